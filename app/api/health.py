"""Liveness and readiness; open to callers without a key, who see no details."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.api.deps import EdgeDep, authenticate
from app.api.docs.openapi import operation
from app.api.render import instant, reply
from app.domain.errors import Unauthenticated
from app.domain.lfd import LfdHealth, State
from retrievers.protocol import Health

router = APIRouter(tags=["health"])
# Without these nothing can be asked at all; any other component may be missing. `lfd` is down only
# where the settings require it.
ESSENTIAL = frozenset({"database", "lfd"})
CHANNELS = frozenset({"vector", "graph", "fulltext", "sql"})


class AliveOut(BaseModel):
    """The process serves."""

    status: Literal["alive"]


class ComponentOut(BaseModel):
    """State of one component."""

    status: Literal["ok", "degraded", "down"]
    detail: str | None = None
    state: Annotated[State | None, Field(description="Of `lfd`: what its last probe found.")] = None
    reason: Annotated[str | None, Field(description="Of `lfd`: why it is not on.")] = None
    checked_at: Annotated[datetime | None, Field(description="Of `lfd`, in UTC.")] = None


class ReadyOut(BaseModel):
    """Whether questions can be answered, and by what."""

    status: Literal["ready", "degraded", "down"]
    components: dict[str, ComponentOut]


@router.get(
    "/healthz",
    response_model=AliveOut,
    **operation(
        "healthz", "Whether the process serves", None, answer={"status": "alive"}, problems=[]
    ),
)
async def healthz() -> Response:
    """Answers 200 as soon as the process serves; touches no disk and no index."""
    return reply({"status": "alive"})


@router.get(
    "/readyz",
    response_model=ReadyOut,
    **operation(
        "readyz",
        "Whether questions can be answered",
        None,
        answer={
            "status": "ready",
            "components": {"database": {"status": "ok"}, "vector": {"status": "ok"}},
        },
        problems=["not-ready"],
        own={503: ReadyOut},
    ),
)
async def readyz(request: Request, here: EdgeDep) -> Response:
    """200 with each component's state, or 503 while starting, stopping or unable to answer.

    `detail` and `reason` are shown to callers with a key.
    """
    components = await here.services.health()
    down = {name for name, health in components.items() if health.status == "down"}
    answering = (CHANNELS & components.keys()) - down
    detailed = await _has_key(request, here)
    body: dict[str, Any] = {
        "status": "ready",
        "components": {name: _shown(health, detailed) for name, health in components.items()},
    }
    if here.lifecycle.draining or down & ESSENTIAL or not answering:
        body["status"] = "down"
        return reply(body, 503)
    if any(health.status != "ok" for health in components.values()):
        body["status"] = "degraded"
    return reply(body)


def _shown(health: Health, detailed: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"status": health.status}
    if isinstance(health, LfdHealth):
        probed = health.probed
        shown |= {"state": probed.state, "checked_at": instant(probed.checked_at)}
        return shown | ({"reason": probed.reason} if detailed and probed.reason else {})
    return shown | ({"detail": health.detail} if detailed and health.detail else {})


async def _has_key(request: Request, here: EdgeDep) -> bool:
    try:
        await authenticate(request, here.services)
    except Unauthenticated:
        return False
    return True
