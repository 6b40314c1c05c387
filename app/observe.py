"""What the service says of itself: request ids, one log line per request, JSON on stdout."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Literal

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ACCESS = logging.getLogger("anabranch.access")
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Asked every few seconds by whatever watches the service; they would drown everything else.
QUIET = frozenset({"/healthz", "/readyz"})


class JsonLines(logging.Formatter):
    """One JSON object a line. Never question, text, rows or keys: callers log none."""

    def format(self, record: logging.LogRecord) -> str:
        """The record with what was passed as `extra={"fields": {...}}`."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)


def configure_logging(level: str, form: Literal["auto", "json", "text"]) -> None:
    """Send every log line to stdout; `auto` is text on a terminal, else JSON."""
    handler = logging.StreamHandler(sys.stdout)
    as_json = form == "json" or (form == "auto" and not sys.stdout.isatty())
    handler.setFormatter(
        JsonLines() if as_json else logging.Formatter("%(levelname).1s %(name)s: %(message)s")
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Ours alone: drivers and clients tell at "debug" what they were given, texts and keys too.
    logging.getLogger("anabranch").setLevel(level.upper())
    root.setLevel(max(logging.INFO, getattr(logging, level.upper())))
    # httpx would name hosts and paths; the others tell how they were loaded.
    for chatty in ("httpx", "alembic", "faiss"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class Observed:
    """ASGI middleware around others: request id, access log, the one place that catches anything.

    Args:
        failed: Makes the response to an unexpected exception.
    """

    def __init__(
        self, app: ASGIApp, failed: Callable[[Request, Exception], Awaitable[Response]]
    ) -> None:
        self._app, self._failed = app, failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        asked = Headers(scope=scope).get("x-request-id", "")
        request_id = asked if REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, marked)
        except Exception as error:  # the one door behind which nothing may escape
            logging.getLogger("anabranch").error(
                "unexpected %s",
                type(error).__name__,
                exc_info=error,
                extra={"fields": {"request_id": request_id}},
            )
            if not status:
                response = await self._failed(Request(scope), error)
                await response(scope, receive, marked)
        finally:
            self._log(scope, status, request_id, time.perf_counter() - started)

    def _log(self, scope: Scope, status: int, request_id: str, took_s: float) -> None:
        path = scope["path"]
        if (path in QUIET and status < 500) or not ACCESS.isEnabledFor(logging.INFO):
            return
        route = scope.get("route")
        caller = scope.get("state", {}).get("caller")
        fields = {
            "method": scope["method"],
            "route": getattr(route, "path", None),  # the template: paths hold names and ids
            "status": status,
            "ms": round(took_s * 1000, 2),
            "request_id": request_id,
            "key": caller.principal.key_id if caller else None,
        }
        ACCESS.info("request", extra={"fields": fields})
