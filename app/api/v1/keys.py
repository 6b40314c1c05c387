"""API keys: made here or by the command line, shown once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.api import render
from app.api.deps import PrincipalDep, SecuredRoute, ServicesDep
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.schemas import Body, Text
from app.domain.errors import Forbidden, NotFound
from app.domain.principal import EVERY_COLLECTION
from app.store.keys import KeyInfo

router = APIRouter(prefix="/v1", tags=["api keys"], route_class=SecuredRoute)
KeyId = Annotated[str, Path(description="Id of a key.", examples=["key_p6r8t0w1y5k3vqz7m2n4"])]
CollectionPattern = Annotated[str, Field(pattern=r"^(\*|[a-z0-9][a-z0-9_-]{0,62})$")]


class KeyIn(Body):
    """What the new key may do, and where."""

    scopes: Annotated[
        list[Literal["read", "write", "metrics", "admin"]], Field(min_length=1, max_length=4)
    ]
    collections: Annotated[list[CollectionPattern], Field(min_length=1, max_length=1_000)] = Field(
        default_factory=lambda: ["*"]
    )
    note: Annotated[Text, Field(max_length=200)] = ""


class KeyOut(BaseModel):
    """A key without its secret."""

    id: str
    prefix: str
    scopes: list[str]
    collections: list[str]
    note: str
    bootstrap: bool
    created_at: datetime
    last_used_at: datetime | None


class KeyMadeOut(BaseModel):
    """The secret `key` is shown this once."""

    id: str
    key: str
    scopes: list[str]
    collections: list[str]
    note: str


class KeysOut(BaseModel):
    """Every key that works, oldest first."""

    data: list[KeyOut]
    has_more: bool
    next_cursor: str | None


def _json(info: KeyInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "prefix": info.prefix,
        "scopes": sorted(info.scopes),
        "collections": sorted(info.collections),
        "note": info.note,
        "bootstrap": info.bootstrap,
        "created_at": render.instant(info.created_at),
        "last_used_at": render.instant(info.last_used_at),
    }


@router.post(
    "/api-keys",
    response_model=KeyMadeOut,
    **operation(
        "createApiKey",
        "Make an API key",
        "admin",
        request={"scopes": ["read"], "collections": ["wiki"], "note": "reading room"},
        answer={
            "id": "key_p6r8t0w1y5k3vqz7m2n4",
            "key": "anb_q7m2n4p6_…",
            "scopes": ["read"],
            "collections": ["wiki"],
            "note": "reading room",
        },
        problems=["invalid-request"],
        status=201,
    ),
)
async def create(body: KeyIn, principal: PrincipalDep, services: ServicesDep) -> Response:
    """Only a digest is kept: the key in this response cannot be shown again.

    A key makes keys for collections that it sees itself.
    """
    if not principal.covers(body.collections):
        raise Forbidden("this key makes keys for its own collections only; name some of those")
    key_id, secret = await services.keys.create(
        frozenset(body.scopes), frozenset(body.collections), body.note
    )
    return render.reply(
        {
            "id": key_id,
            "key": secret,
            "scopes": sorted(set(body.scopes)),
            "collections": sorted(set(body.collections)),
            "note": body.note,
        },
        201,
        {"Location": f"/v1/api-keys/{key_id}", "Cache-Control": "no-store"},
    )


@router.get(
    "/api-keys",
    response_model=KeysOut,
    **operation(
        "listApiKeys",
        "List API keys",
        "admin",
        answer={"data": [examples.KEY], "has_more": False, "next_cursor": None},
        problems=[],
    ),
)
async def list_all(principal: PrincipalDep, services: ServicesDep) -> Response:
    """Without their secrets, oldest first; those whose collections this key sees all."""
    known = await services.keys.list()
    data = [_json(info) for info in known if principal.covers(info.collections)]
    return render.reply({"data": data, "has_more": False, "next_cursor": None})


@router.delete(
    "/api-keys/{key_id}",
    **operation(
        "revokeApiKey",
        "Revoke an API key",
        "admin",
        answer=None,
        problems=["not-found", "conflict"],
        status=204,
    ),
)
async def revoke(key_id: KeyId, principal: PrincipalDep, services: ServicesDep) -> Response:
    """It stops working at once. The last admin key cannot be revoked."""
    if EVERY_COLLECTION not in principal.collections:
        known = {info.id: info for info in await services.keys.list()}
        if key_id not in known or not principal.covers(known[key_id].collections):
            raise NotFound("another tenant's, or no key")
    await services.keys.revoke(key_id)
    return Response(status_code=204)
