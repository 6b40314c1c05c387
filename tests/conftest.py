"""What every test may use."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Generator, Iterator
from typing import Any

import pytest

REQUIRED = [name for name in os.environ.get("ANABRANCH_TEST_REQUIRE", "").split(",") if name]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """Of a module that is skipped as a whole."""
    return failed_if_required((yield))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Of a test, and of what it needs."""
    return failed_if_required((yield))


def failed_if_required(report: Any) -> Any:
    """A skip for want of what this run was said to have would hide that nothing was tested."""
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        if any(re.search(rf"\b{re.escape(name)}\b", reason, re.IGNORECASE) for name in REQUIRED):
            report.outcome = "failed"
            report.longrepr = f"ANABRANCH_TEST_REQUIRE forbids to skip this: {reason}"
    return report


@pytest.fixture(autouse=True)
def logged_as_before() -> Iterator[None]:
    """Commands send the log to the standard output of their test, which is closed after it."""
    loggers = [logging.getLogger(name) for name in ("", "anabranch", "httpx", "alembic", "faiss")]
    before = [(each, each.level, list(each.handlers)) for each in loggers]
    yield
    for each, level, handlers in before:
        each.setLevel(level)
        each.handlers[:] = handlers


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of an empty PostgreSQL database of this run's own."""
    # Here: the tests that run beside vLLM have no SQLAlchemy.
    from postgres import empty_database

    with empty_database() as url:
        yield url
