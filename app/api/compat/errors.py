"""Errors as OpenAI's clients expect them."""

from __future__ import annotations

import re
from typing import Any

from app.api.problems import Failure, Reported

NO_MODEL = "There is no such model, or this key may not see it; GET /v1/models lists those it may."
OPENAI_ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "OpenAIError",
    "description": "An error in the shape of OpenAI's; `code` has a page at /docs/problems/{code}.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code", "param"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "code": {"type": "string"},
                "param": {"type": ["string", "null"]},
            },
        }
    },
}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def report(failure: Failure, instance: str, request_id: str | None) -> Reported:
    """The failure in OpenAI's shape; there, unusable values are 400, and only models are unknown.

    Clients raise a class of their own by the status.
    """
    kind = failure.kind
    status = 400 if kind.status == 422 else kind.status
    message, code = failure.detail or kind.title, kind.slug
    param = _param(failure.faults[0]["at"]) if failure.faults else None
    if status == 404:
        message, code, param = NO_MODEL, "model_not_found", "model"
    otherwise = "server_error" if status >= 500 else "invalid_request_error"
    error = {
        "message": message,
        "type": _TYPES.get(status, otherwise),
        "code": code,
        "param": param,
    }
    return Reported(status, "application/json", {"error": error})


def _param(at: str) -> str | None:
    """A place as OpenAI names it: `/body/messages/0/content` is `messages[0].content`."""
    steps = at.removeprefix("/body").lstrip("/").replace("/", ".")
    return re.sub(r"\.?(\b\d+\b)", r"[\1]", steps) or None
