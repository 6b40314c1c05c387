"""What every operation must say of itself, and the document that `/openapi.json` serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from app.api.compat.errors import OPENAI_ERROR_SCHEMA
from app.api.docs.filter import FILTER_SCHEMAS
from app.api.kinds import KINDS
from app.api.problems import MEDIA_TYPE, Failure, Report, problem
from app.domain.principal import Scope

Json = Any
DESCRIPTION = """\
Hybrid retrieval over vectors, a passage graph, full text and SQL, with answers whose citations
are verified before they leave.

* Authorize with the key printed at the first start, then run any example below.
* **Offsets** (`start`, `end`, `source_start`, …) count Unicode code points of the stored text.
  JavaScript strings count UTF-16 units: convert before slicing.
* Errors are `application/problem+json`; each `type` is a page of this service. Routes in the
  shape of OpenAI's report errors in that shape, too.
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
_ERROR_SCHEMAS: Mapping[str, str] = {MEDIA_TYPE: "Problem", "application/json": "OpenAIError"}
_EVENT_SCHEMA: Json = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "event": {"type": "string"},
        "id": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
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
    streamed: str | None = None,
    report: Report = problem,
) -> dict[str, Any]:
    """Keyword arguments of a route: identity, scope, examples and every kind of answer.

    Args:
        scope: None leaves the operation open to callers without a key.
        answer: Example of the success body; None for an empty one.
        problems: Slugs of the operation's own problems; those every operation has are added.
        request: Example of the body; None where there is none.
        own: Statuses outside 2xx that may also carry a body of the operation's own.
        streamed: Example of the success body as Server-Sent Events, where it may be asked for.
        report: The shape of its errors.
    """
    common = ["no-key", "bad-key", "missing-scope"] if scope else []
    slugs = [*dict.fromkeys([*problems, *common, "internal"])]
    success: dict[str, Any] = {"description": "Success"}
    if answer is not None:
        success["content"] = {"application/json": {"example": answer}}
    if streamed is not None:
        events = {"itemSchema": _EVENT_SCHEMA, "example": streamed}
        success["content"]["text/event-stream"] = events
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
            **{
                code: {"model": model} | _errors(slugs, 500, report)
                for code, model in mixed.items()
            },
            "4XX": _errors(slugs, 400, report),
            "5XX": _errors(slugs, 500, report),
        },
        "openapi_extra": extra,
    }


def _errors(slugs: Sequence[str], hundred: int, report: Report) -> dict[str, Any]:
    kinds = [KINDS[slug] for slug in slugs if hundred <= KINDS[slug].status < hundred + 100]
    made = {kind: report(Failure(kind, kind.meaning), "/v1/…", "req-1") for kind in kinds}
    media_type = next((each.media_type for each in made.values()), MEDIA_TYPE)
    schema = {"$ref": f"#/components/schemas/{_ERROR_SCHEMAS[media_type]}"}
    examples = {kind.slug: {"value": each.body} for kind, each in made.items()}
    told = "; ".join(f"{each.status} {kind.slug}" for kind, each in made.items())
    return {
        "description": told or "Problem",
        "content": {media_type: {"schema": schema, "examples": examples}},
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
        components["schemas"] |= {
            "Problem": PROBLEM_SCHEMA,
            "OpenAIError": OPENAI_ERROR_SCHEMA,
            **FILTER_SCHEMAS,
        }
        for unused in ("HTTPValidationError", "ValidationError"):
            components["schemas"].pop(unused, None)
        components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        app.openapi_schema = made
    return app.openapi_schema
