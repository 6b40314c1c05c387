"""Answers that were given, and how they were found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
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
Detail = Annotated[
    Literal["usual", "full"], Query(description="`full` shows prompts, to keys with `admin`.")
]
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
async def trace(
    answer_id: AnswerId, principal: PrincipalDep, here: EdgeDep, detail: Detail = "usual"
) -> Response:
    """Gate, rounds, hits and times per retriever; for the key that asked, and for admins.

    What a model was told quotes documents: with `detail=full`, and for admins only.
    """
    found = await _visible(here, principal, answer_id)
    if found.key_id != principal.key_id and not principal.may("admin"):
        raise NotFound("another key's trace")
    told = await here.services.answers.trace(answer_id)
    if detail == "full" and principal.may("admin"):
        return render.reply(told)
    return render.reply(_without_prompts(told))


def _without_prompts(told: Mapping[str, Any]) -> dict[str, Any]:
    calls = told.get("llm_calls")
    if not calls:
        return dict(told)
    bare = [{name: call[name] for name in call if name != "prompt"} for call in calls]
    return {**told, "llm_calls": bare}
