"""Who asks, about which collection: decided once per request, before its body is read."""

from __future__ import annotations

import asyncio
import gc
import json
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Path, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from app.api.limits import ApiLimits, BodyLimit, Disk, RateLimit, Turnstile, at_most
from app.api.services import Services
from app.domain.documents import Collection
from app.domain.errors import NoEvidence, NotFound, Unauthenticated, UnsupportedMedia
from app.domain.principal import Principal, Scope

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
T = TypeVar("T")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Lifecycle:
    """Whether the server was told to stop: `/readyz` then says 503, and nobody waits any more."""

    def __init__(self) -> None:
        self._told = asyncio.Event()

    @property
    def draining(self) -> bool:
        """Whether it was."""
        return self._told.is_set()

    def drain(self) -> None:
        """It is told now."""
        self._told.set()

    async def or_drained(self, result: Coroutine[Any, Any, T]) -> T | None:
        """The result; None, and the work cancelled, as soon as the server is told to stop."""
        work = asyncio.ensure_future(result)
        told = asyncio.ensure_future(self._told.wait())
        try:
            await asyncio.wait((work, told), return_when=asyncio.FIRST_COMPLETED)
            return work.result() if work.done() else None
        finally:
            work.cancel()
            told.cancel()


@dataclass(frozen=True, slots=True)
class Edge:
    """What the lifespan hands to every request."""

    services: Services
    limits: ApiLimits
    turnstile: Turnstile
    uploads: Turnstile
    rate: RateLimit
    disk: Disk
    lifecycle: Lifecycle


def edge(request: Request) -> Edge:
    """The opened service.

    Raises:
        NoEvidence: `not-ready`, outside the lifespan.
    """
    found = request.scope.get("state", {}).get("edge")
    if found is None:
        raise NoEvidence("the service is starting or has stopped", "not-ready")
    return cast(Edge, found)


async def authenticate(request: Request, services: Services) -> Principal:
    """Whose key came with the request.

    Raises:
        Unauthenticated: `no-key` or `bad-key`.
    """
    header = request.headers.get("authorization")
    if header is None:
        raise Unauthenticated("send the header `Authorization: Bearer KEY`", "no-key")
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("the header has the form `Authorization: Bearer KEY`", "no-key")
    principal = await services.keys.verify(secret.strip())
    if principal is None:
        raise Unauthenticated("this key is not known here, or was revoked", "bad-key")
    return principal


@dataclass(frozen=True, slots=True)
class Caller:
    """The key's holder, and the collection the path names, which the key may see."""

    principal: Principal
    collection: Collection | None


class SecuredRoute(APIRoute):
    """A route that cannot be reached without the scope its OpenAPI operation declares.

    `x-required-scope` is read, not repeated, so the documentation cannot drift from what is
    enforced; a route without it fails when it is declared. The order is 401, then 404 for a
    collection that is unknown or foreign, then 403; the body is read only after all three.
    """

    limit: BodyLimit = "question_bytes"
    """Name of the limit of the route's bodies."""

    def get_route_handler(self) -> Handler:
        """Put the decision before FastAPI's handler."""
        handler = super().get_route_handler()
        scope = cast(Scope, cast(Mapping[str, Any], self.openapi_extra)["x-required-scope"])
        takes_json = self.body_field is not None

        async def secured(request: Request) -> Response:
            here = edge(request)
            principal = await authenticate(request, here.services)
            if not principal.may("admin"):  # who could lift the limit is not held to it
                here.rate.count(principal.key_id)
            name = request.path_params.get("collection")
            collection = None
            if name is not None:
                collection = await visible(here.services, principal, name)
            principal.require(scope)
            if takes_json:
                _json_only(request)
            request.scope["state"]["caller"] = Caller(principal, collection)
            receive = at_most(here.limits, self.limit, request)
            return await handler(_JsonRequest(request.scope, receive))

        return secured


def _json_only(request: Request) -> None:
    declared = request.headers.get("content-type")
    if declared is None and request.headers.get("content-length", "0") == "0":
        return  # no body at all, which is FastAPI's to refuse
    essence = (declared or "").partition(";")[0].strip().lower()
    if not (essence == "application/json" or essence.endswith("+json")):
        raise UnsupportedMedia("send the body with `Content-Type: application/json`")


class _JsonRequest(Request):
    """A request whose JSON is read without looking for garbage.

    The objects of a body are all alive: looking among them again and again took 3.0 seconds of the
    3.7 that 28 MB of empty lists cost, with everybody else waiting.
    """

    async def json(self) -> Any:
        """The decoded body."""
        body = await self.body()
        collecting = gc.isenabled()
        gc.disable()
        try:
            return json.loads(body)
        finally:
            if collecting:
                gc.enable()


class DocumentsRoute(SecuredRoute):
    """A secured route whose body may hold documents."""

    limit = "body_bytes"


class UploadRoute(SecuredRoute):
    """A secured route whose body may hold files."""

    limit = "upload_bytes"


async def visible(services: Services, principal: Principal, name: str) -> Collection:
    """The collection of this name.

    Raises:
        NotFound: It does not exist, or not for this key.
    """
    if not NAME.fullmatch(name) or not principal.sees(name):
        raise NotFound("no such collection")
    return await services.collections.get(name)


CollectionName = Annotated[
    str, Path(description="Name of a collection.", pattern=f"^{NAME.pattern}$", examples=["demo"])
]


async def _services(request: Request) -> Services:
    return edge(request).services


async def _edge(request: Request) -> Edge:
    return edge(request)


async def _principal(request: Request) -> Principal:
    return cast(Caller, request.scope["state"]["caller"]).principal


async def _collection(request: Request, collection: CollectionName) -> Collection:
    return cast(Collection, cast(Caller, request.scope["state"]["caller"]).collection)


ServicesDep = Annotated[Services, Depends(_services)]
EdgeDep = Annotated[Edge, Depends(_edge)]
PrincipalDep = Annotated[Principal, Depends(_principal)]
CollectionDep = Annotated[Collection, Depends(_collection)]
