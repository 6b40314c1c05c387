"""What every operation must say of itself, and the document that `/openapi.json` serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from app.api.docs.filter import FILTER_SCHEMAS
from app.api.kinds import KINDS
from app.api.problems import MEDIA_TYPE, document
from app.domain.principal import Scope

Json = Any
DESCRIPTION = """\
Hybrid retrieval over vectors, a passage graph, full text and SQL, with answers whose citations
are verified before they leave.

* Authorize with the key printed at the first start, then run any example below.
* **Offsets** (`start`, `end`, `source_start`, …) count Unicode code points of the stored text.
  JavaScript strings count UTF-16 units: convert before slicing.
* Errors are `application/problem+json`; each `type` is a page of this service.
* Unknown request fields are refused (422), so a typo is never ignored.
"""
PROBLEM_SCHEMA: Json = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem document.",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "description": "Page of this service about the problem."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "Path of the request."},
        "code": {"type": "string", "enum": sorted(KINDS)},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["at", "why"],
                "properties": {"at": {"type": "string"}, "why": {"type": "string"}},
            },
        },
        "retry_after": {"type": "number", "description": "Seconds."},
    },
}


def operation(
    operation_id: str,
    summary: str,
    scope: Scope | None,
    *,
    answer: Json,
    problems: Sequence[str],
    request: Json = None,
    request_media_type: str = "application/json",
    status: int = 200,
    own: Mapping[int, type[BaseModel]] | None = None,
) -> dict[str, Any]:
    """Keyword arguments of a route: identity, scope, examples and every kind of answer.

    Args:
        scope: None leaves the operation open to callers without a key.
        answer: Example of the success body; None for an empty one.
        problems: Slugs of the operation's own problems; those every operation has are added.
        request: Example of the body; None where there is none.
        own: Statuses outside 2xx that may also carry a body of the operation's own.
    """
    common = ["no-key", "bad-key", "missing-scope"] if scope else []
    slugs = [*dict.fromkeys([*problems, *common, "internal"])]
    success: dict[str, Any] = {"description": "Success"}
    if answer is not None:
        success["content"] = {"application/json": {"example": answer}}
    mixed = own or {}
    extra: dict[str, Any] = {"x-required-scope": scope or "none"}
    if scope:
        extra["security"] = [{"bearer": []}]
    if request is not None:
        example = {"examples": {"example": {"value": request}}}
        extra["requestBody"] = {"content": {request_media_type: example}}
    return {
        "operation_id": operation_id,
        "summary": summary,
        "status_code": status,
        "responses": {
            status: success,
            **{code: {"model": model} | _problem(slugs, 500) for code, model in mixed.items()},
            "4XX": _problem(slugs, 400),
            "5XX": _problem(slugs, 500),
        },
        "openapi_extra": extra,
    }


def _problem(slugs: Sequence[str], hundred: int) -> dict[str, Any]:
    kinds = [KINDS[slug] for slug in slugs if hundred <= KINDS[slug].status < hundred + 100]
    examples = {
        kind.slug: {"value": document(kind, kind.meaning, "/v1/…", "req-1")} for kind in kinds
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": "; ".join(f"{kind.status} {kind.slug}" for kind in kinds) or "Problem",
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def describe(app: FastAPI) -> Mapping[str, Any]:
    """The OpenAPI document, made once per application."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=DESCRIPTION,
            routes=app.routes,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        components = made.setdefault("components", {})
        components.setdefault("schemas", {})
        components["schemas"] |= {"Problem": PROBLEM_SCHEMA, **FILTER_SCHEMAS}
        for unused in ("HTTPValidationError", "ValidationError"):
            components["schemas"].pop(unused, None)
        components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        app.openapi_schema = made
    return app.openapi_schema
