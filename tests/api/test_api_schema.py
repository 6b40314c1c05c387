"""schemathesis: no operation answers in a way that its OpenAPI does not document."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from edge_services import ADMIN, live, make_services
from edge_services import settings as make_settings
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from app.api.docs.openapi import describe
from app.main import create_app

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    allow_header_conformance,
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    services = asyncio.run(make_services())
    with live(services) as address:
        yield address


schema = schemathesis.openapi.from_dict(dict(describe(create_app(make_settings()))))


@schema.parametrize()
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_documented(case: Any, url: str) -> None:
    case.call_and_validate(
        base_url=url, headers={"Authorization": f"Bearer {ADMIN}"}, checks=list(CHECKS)
    )
