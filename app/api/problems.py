"""Errors as RFC 9457 problem documents: the one table from class to status, and the handlers.

A route may report in another shape: it has an attribute `report` then.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from app.api.kinds import KINDS, Kind
from app.api.schemas import MEMBERS, SWITCH
from app.domain import errors
from retrievers.errors import QueryRefused, RetrieverUnavailable

MEDIA_TYPE = "application/problem+json"
LOG = logging.getLogger("anabranch.api")

BY_CLASS: Mapping[type[Exception], str] = {
    errors.Unauthenticated: "bad-key",
    errors.Forbidden: "missing-scope",
    errors.NotFound: "not-found",
    errors.Conflict: "conflict",
    errors.TooLarge: "too-large",
    errors.UnsupportedMedia: "unsupported-media-type",
    errors.Rejected: "invalid-request",
    errors.Overloaded: "overloaded",
    errors.NoEvidence: "no-retriever",
    errors.StorageUnavailable: "storage-unavailable",
    QueryRefused: "sql-refused",
    RetrieverUnavailable: "no-retriever",
}
BY_STATUS: Mapping[int, str] = {
    400: "invalid-request",  # unreadable bodies: malformed is 422 here
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
}
# One text for unknown, deleted and foreign: the caller must not be able to tell which.
NOT_FOUND = "There is nothing with this id, or this key may not see it."


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, in no shape yet; `faults` are `{"at": JSON pointer, "why": sentence}`."""

    kind: Kind
    detail: str
    faults: Sequence[Mapping[str, str]] = ()
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """A failure as it leaves."""

    status: int
    media_type: str
    body: Mapping[str, Any]


Report = Callable[[Failure, str, str | None], Reported]
"""Gives a failure its shape; with the request's path and id."""


def problem(failure: Failure, instance: str, request_id: str | None) -> Reported:
    """The shape of every route that says nothing else."""
    kind = failure.kind
    body: dict[str, Any] = {
        "type": f"/docs/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": failure.detail,
        "instance": instance,
        "code": kind.slug,
    }
    if request_id:
        body["request_id"] = request_id
    if failure.faults:
        body["errors"] = list(failure.faults)
    if failure.retry_after_s is not None:
        body["retry_after"] = failure.retry_after_s
    return Reported(kind.status, MEDIA_TYPE, body)


def reported(request: Request, failure: Failure) -> Reported:
    """The failure in the shape of the route that was asked."""
    report: Report = getattr(request.scope.get("route"), "report", problem)
    request_id = request.scope.get("state", {}).get("request_id")
    return report(failure, _instance(request), request_id)


def respond(
    request: Request,
    kind: Kind,
    detail: str,
    faults: Sequence[Mapping[str, str]] = (),
    retry_after_s: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The problem as a response, with the headers its status asks for."""
    sent = dict(headers or {})
    if kind.status == 401:
        sent["WWW-Authenticate"] = (
            'Bearer error="invalid_token"' if kind.slug == "bad-key" else "Bearer"
        )
    if retry_after_s is not None:
        sent["Retry-After"] = str(max(1, round(retry_after_s)))
    made = reported(request, Failure(kind, detail, faults, retry_after_s))
    # ASCII: a lone surrogate of the request may stand in the detail, and must not break the reply.
    return Response(json.dumps(made.body), made.status, sent, made.media_type)


def failure(error: BaseException) -> Failure | None:
    """What an error of the table says, looked up along the MRO; None if it is of no class there."""
    error = _leaf(error)
    slug = next((BY_CLASS[cls] for cls in type(error).__mro__ if cls in BY_CLASS), None)
    if slug is None:
        return None
    code = error.code if isinstance(error, errors.AnabranchError) else None
    kind = KINDS.get(code or slug, KINDS[slug])
    detail = NOT_FOUND if kind.status == 404 else str(error)
    faults: list[dict[str, str]] = []
    if isinstance(error, errors.Rejected) and error.at is not None:
        faults = [{"at": error.at, "why": detail}]
        detail = f"{error.at}: {detail}"
    retry = error.retry_after_s if isinstance(error, errors.Overloaded) else None
    if kind.status >= 500:
        LOG.warning("%s: %s", kind.slug, error)
    return Failure(kind, detail, faults, retry)


def _leaf(error: BaseException) -> BaseException:
    # A TaskGroup wraps even one expected error; only a group of one leaf is unwrapped.
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def install(app: FastAPI) -> None:
    """Answer every error with a problem document."""

    async def known(request: Request, error: Exception) -> Response:
        found = failure(error)
        if found is None:  # a group of several errors, or of one that nobody expected
            raise error
        return respond(request, found.kind, found.detail, found.faults, found.retry_after_s)

    async def http(request: Request, error: Exception) -> Response:
        error = cast(HTTPException, error)
        kind = KINDS[BY_STATUS.get(error.status_code, "internal")]
        headers = dict(error.headers or {})
        if kind.status == 405:
            headers["Allow"] = ", ".join(_allowed(request))
        return respond(request, kind, _explain(request, error), headers=headers)

    async def malformed(request: Request, error: Exception) -> Response:
        faults = _faults(cast(RequestValidationError, error))
        many = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        detail = f"{faults[0]['at']}: {faults[0]['why']}{many}" if faults else "malformed"
        return respond(request, KINDS["invalid-request"], detail, faults)

    for cls in BY_CLASS:
        app.add_exception_handler(cls, known)
    app.add_exception_handler(ExceptionGroup, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, malformed)


def pointer(*steps: str | int) -> str:
    """A JSON pointer (RFC 6901) to a place in the request."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _instance(request: Request) -> str:
    raw = request.scope.get("raw_path")
    return raw.decode("ascii", "replace") if raw else request.url.path


def _allowed(request: Request) -> list[str]:
    """Methods of the path's most specific template; the router names those of the first only."""
    offered: dict[str, int] = {}
    for route in cast(Sequence[Route], request.app.routes):
        if route.matches(request.scope)[0] is not Match.NONE:
            literal = len(re.sub(r"{.*?}", "", route.path))
            offered |= dict.fromkeys(route.methods or (), literal)
    best = max(offered.values(), default=0)
    return sorted(method for method, literal in offered.items() if literal == best)


def _explain(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return "There is no such route; /docs lists them all."
    if error.status_code == 405:
        return f"{request.method} is not offered here."
    if error.status_code == 400:
        return "The body cannot be read: it is not valid for its content type, or not UTF-8."
    return str(error.detail)


_WORDING: Mapping[str, str] = {
    "extra_forbidden": "this field is not known here",
    "missing": "this field is required",
    "string_unicode": "holds a lone surrogate (U+D800 to U+DFFF), which is no Unicode character",
}


def _faults(error: RequestValidationError) -> list[dict[str, str]]:
    faults: list[dict[str, str]] = []
    for item in error.errors()[:20]:
        why = _WORDING.get(item["type"], item["msg"]).removeprefix("Value error, ")
        if item["type"] in ("too_long", "too_short") and isinstance(item["input"], str):
            why = why.replace("item", "character").replace(" after validation", "")
        if item["type"] == "json_invalid":
            why = f"not valid JSON at character {item['loc'][-1]}: {item['ctx']['error']}"
            faults.append({"at": "/body", "why": why})
        else:
            if item["type"] == "model_attributes_type":
                why = "a JSON object is expected"
            faults.append({"at": _place(item["loc"]), "why": why})
    return faults


def _place(location: Sequence[int | str]) -> str:
    return pointer(*(part for part in location if part not in (SWITCH, MEMBERS)))
