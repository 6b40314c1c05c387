"""The application: routes over services that its lifespan opens and closes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import TypedDict

from fastapi import FastAPI, Request
from starlette.responses import Response

from app.api import routes
from app.api.deps import Edge, Lifecycle
from app.api.head import Heads
from app.api.kinds import KINDS
from app.api.limits import ApiLimits, Disk, RateLimit, Turnstile
from app.api.paths import EncodedSlashes
from app.api.problems import respond
from app.api.services import Services
from app.observe import Observed
from app.settings import Settings

Build = Callable[[Settings], AbstractAsyncContextManager[Services]]


class Opened(TypedDict):
    """What the lifespan hands to every request."""

    edge: Edge


def create_app(settings: Settings, build: Build | None = None) -> FastAPI:
    """The service as an ASGI application. Nothing is opened before its lifespan starts.

    Args:
        build: Opens the services; None takes `app.wiring.build`.
    """
    limits = ApiLimits(**settings.limits.model_dump())
    lifecycle = Lifecycle()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Opened]:
        async with (build or _wired)(settings) as services:
            turnstile = Turnstile(limits.concurrency, limits.queue)
            uploads = Turnstile(limits.uploads, limits.queue)
            rate = RateLimit(limits.rate_per_minute)
            disk = Disk(settings.data_dir, limits.free_bytes)
            yield Opened(edge=Edge(services, limits, turnstile, uploads, rate, disk, lifecycle))

    app = FastAPI(
        title="anabranch",
        version=version("anabranch"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would name the host that the caller wrote
    )
    app.state.lifecycle = lifecycle
    app.add_middleware(EncodedSlashes)
    app.add_middleware(Observed, failed=_failed)
    app.add_middleware(Heads)
    routes.install(app, settings.docs_enabled)
    return app


def _wired(settings: Settings) -> AbstractAsyncContextManager[Services]:
    # Imported late: it knows every backend, and a test with its own services needs none.
    from app.wiring import build

    opened: AbstractAsyncContextManager[Services] = build(settings)
    return opened


async def _failed(request: Request, _: Exception) -> Response:
    return respond(request, KINDS["internal"], "")
