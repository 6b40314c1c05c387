"""`anabranch serve`."""

from __future__ import annotations

import gc
import ipaddress
import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from app.cli.session import settings_of, show_first_key
from app.domain.errors import Misconfigured
from app.lock import DataDirLock
from app.settings import Settings

SHORTEST_KEY = 16
PLACEHOLDERS = ("changeme", "secret", "password", "your-api-key", "example", "placeholder")


def run(arguments: Namespace) -> int:
    """Serve until told to stop."""
    given: dict[str, Any] = {
        name: value
        for name, value in (("host", arguments.host), ("port", arguments.port))
        if value is not None
    }
    settings = settings_of(arguments, **given)
    one_process(settings)
    warning = weak_keys(settings)
    import uvloop

    from app.observe import configure_logging

    configure_logging(settings.observe.log_level, settings.observe.log_format)
    if warning:
        _say(f"warning: {warning}")
    with DataDirLock(settings.data_dir, "serve") as lock:
        # Half a millisecond less per request than with asyncio's own loop.
        uvloop.run(_serve(settings, lock))
    return 0


async def _serve(settings: Settings, lock: DataDirLock) -> None:
    from app.main import create_app
    from app.server import serve

    app = create_app(settings)

    def started(host: str, port: int, state: Mapping[str, Any]) -> None:
        _calm_the_collector()
        # A thread of a lane gives way to the event loop after 0.5 ms instead of 5.
        sys.setswitchinterval(0.0005)
        show_first_key(state["edge"].services.first_key, _say)
        everywhere = host in ("0.0.0.0", "::")  # noqa: S104  # compared, not bound to
        url = f"http://{'127.0.0.1' if everywhere else host}:{port}"
        lock.announce(url)
        _say(f"anabranch serves {url} (playground: {url}/docs)")

    await serve(app, settings.host, settings.port, settings.grace_s, started)


def _calm_the_collector() -> None:
    """Look for cycles seldom, and never among what the start has made.

    With Python's own thresholds, every 150 searches of 10,000 passages paid for a full collection
    of 120 ms, which stops all threads; requests leave next to no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 50)


def one_process(settings: Settings) -> None:
    """Refuse what would start several processes on one data directory."""
    workers = os.environ.get("WEB_CONCURRENCY", "1")
    if workers not in ("", "1"):
        raise Misconfigured(
            f"WEB_CONCURRENCY={workers}: embedded indexes have one writer, so one process serves; "
            "unset it"
        )


def weak_keys(settings: Settings) -> str | None:
    """A warning about guessable keys.

    Raises:
        Misconfigured: There is one, and not only this machine can connect.
    """
    reasons = _reasons([key.get_secret_value() for key in settings.api_keys])
    if not reasons:
        return None
    text = f"ANABRANCH_API_KEYS: {'; '.join(reasons)}"
    if not loopback(settings.host):
        raise Misconfigured(
            f"{text}. Refusing to listen on {settings.host}; use keys of {SHORTEST_KEY} or more "
            "random characters, such as: python -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    return text


def loopback(host: str) -> bool:
    """Whether only this machine can connect to the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _reasons(keys: Sequence[str]) -> list[str]:
    reasons = []
    for place, key in enumerate(keys, 1):
        if any(word in key.lower() for word in PLACEHOLDERS):
            reasons.append(f"key {place} looks like a placeholder")
        elif len(key) < SHORTEST_KEY:
            reasons.append(f"key {place} is shorter than {SHORTEST_KEY} characters")
    return reasons


def _say(text: str) -> None:
    print(text, flush=True)
