"""Answers that were given, and how they were found."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.api import render
from app.api.deps import Edge, EdgeDep, PrincipalDep, SecuredRoute
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.schemas import AnswerOut
from app.api.v1.jobs import belongs
from app.domain.errors import NotFound
from app.domain.principal import Principal
from app.store.answers import StoredAnswer

router = APIRouter(prefix="/v1", tags=["questions"], route_class=SecuredRoute)
AnswerId = Annotated[str, Path(description="Id of an answer.", examples=["ans_b5x2m7q9w4k1"])]


async def _visible(here: Edge, principal: Principal, answer_id: str) -> StoredAnswer:
    found = await here.services.answers.get(answer_id)
    await belongs(here, principal, found.collection)
    return found


@router.get(
    "/answers/{answer_id}",
    response_model=AnswerOut,
    **operation(
        "getAnswer",
        "One answer",
        "read",
        answer=examples.ANSWER,
        problems=["not-found"],
    ),
)
async def get(answer_id: AnswerId, principal: PrincipalDep, here: EdgeDep) -> Response:
    """The same JSON that the question was answered with."""
    return render.reply((await _visible(here, principal, answer_id)).document)


@router.get(
    "/answers/{answer_id}/trace",
    response_model=dict[str, Any],
    **operation(
        "getAnswerTrace",
        "How an answer was found",
        "read",
        answer=examples.TRACE,
        problems=["not-found"],
    ),
)
async def trace(answer_id: AnswerId, principal: PrincipalDep, here: EdgeDep) -> Response:
    """Gate, rounds, hits and times per retriever; for the key that asked, and for admins."""
    found = await _visible(here, principal, answer_id)
    if found.key_id != principal.key_id and not principal.may("admin"):
        raise NotFound("another key's trace")
    return render.reply(await here.services.answers.trace(answer_id))
