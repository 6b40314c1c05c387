"""What a job says of a document, or of itself, when it failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.errors import AnabranchError, StorageUnavailable, UnsupportedMedia
from retrievers.errors import RetrieverError


def problem_of(error: BaseException) -> Mapping[str, Any]:
    """A problem document (RFC 9457) without `instance`, which the job itself is.

    A bug shows its class only: its text may hold anything, and the log has it.
    """
    if isinstance(error, AnabranchError):
        code, status = error.code or "invalid-request", 422
        if isinstance(error, UnsupportedMedia):
            code, status = error.code or "unsupported-media-type", 415
        elif isinstance(error, StorageUnavailable):
            code, status = error.code or "storage-unavailable", 503
        return _problem(code, "The document cannot be used", status, error.detail)
    if isinstance(error, RetrieverError):
        return _problem("index-unavailable", "An index or the encoder failed", 503, str(error))
    detail = f"{type(error).__name__}: the log says more"
    return _problem("internal", "Something broke here", 500, detail)


def _problem(code: str, title: str, status: int, detail: str) -> Mapping[str, Any]:
    return {
        "type": f"/docs/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
