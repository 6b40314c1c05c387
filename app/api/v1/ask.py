"""`POST …/ask`: one question, answered with verified citations."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from app.api import filters, render
from app.api.deps import CollectionDep, EdgeDep, PrincipalDep, SecuredRoute
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.limits import query_size
from app.api.schemas import WHOLE, AnswerOut, Body, FilterIn, Spoken, TopK
from app.domain.errors import Rejected
from app.domain.hit import Degraded
from app.engine.request import Request

router = APIRouter(prefix="/v1", tags=["questions"], route_class=SecuredRoute)


class LfdIn(Body):
    """Layer-fused decoding of the answer."""

    alpha: Annotated[float, Field(ge=0, le=1)] | None = None
    weight: Annotated[float, Field(ge=0, le=10)] | None = None
    required: Annotated[bool, Field(json_schema_extra={"const": False})] = False


class GenerationIn(Body):
    """How a language model writes; without one the extractive writer quotes sentences."""

    max_tokens: Annotated[int, Field(ge=1, le=8_192), WHOLE] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    lfd: bool | LfdIn | None = None


class BudgetIn(Body):
    """What the answer may cost; `seconds` bounds the whole question."""

    llm_calls: Annotated[int, Field(ge=0, le=1_000), WHOLE] | None = None
    prompt_tokens: Annotated[int, Field(ge=0, le=10_000_000), WHOLE] | None = None
    seconds: Annotated[float, Field(gt=0, le=600)] | None = None


class AskIn(Body):
    """One question."""

    question: Spoken
    # What comes later is in no schema yet, and is refused by name rather than as a typo.
    reasoning: Annotated[
        Literal["auto", "direct", "lag"], Field(json_schema_extra={"enum": ["auto", "direct"]})
    ] = "auto"
    top_k: TopK | None = None
    filters: FilterIn = None
    stream: Annotated[bool, Field(json_schema_extra={"const": False})] = False
    generation: GenerationIn | None = None
    budget: BudgetIn | None = None


@router.post(
    "/collections/{collection}/ask",
    response_model=AnswerOut,
    **operation(
        "ask",
        "Answer a question from the collection",
        "read",
        request=examples.ASK,
        answer=examples.ANSWER,
        problems=[
            "not-found",
            "too-large",
            "invalid-request",
            "bad-filter",
            "not-available",
            "overloaded",
            "no-retriever",
        ],
    ),
)
async def ask(
    body: AskIn, collection: CollectionDep, principal: PrincipalDep, here: EdgeDep
) -> Response:
    """Each citation's quote is checked against the stored text before the answer leaves.

    `unanswerable` is an answer too: the evidence does not hold it, and no citation is invented.
    """
    query_size(body.question, here.limits, "/body/question")
    condition = filters.parse(body.filters)
    skipped = _unavailable(body)
    async with here.turnstile.turn():
        answer = await here.services.ask.ask(
            collection.id,
            Request(
                body.question,
                reasoning=body.reasoning,
                top_k=body.top_k or 10,
                filter=condition,
                limits=body.budget.model_dump(exclude_none=True) if body.budget else {},
            ),
        )
    document = render.answer(answer)
    document["degraded"] += render.degraded(skipped)
    await here.services.answers.save(
        answer.id, collection.id, document, answer.trace, principal.key_id
    )
    return render.reply(document)


def _unavailable(body: AskIn) -> list[Degraded]:
    """What was asked for in vain, unless it was required: then the request is refused."""
    if body.reasoning == "lag":
        raise Rejected(
            'decomposed reasoning comes later; use "auto" or "direct"',
            "not-available",
            at="/body/reasoning",
        )
    if body.stream:
        raise Rejected(
            "streaming comes later; leave `stream` out", "not-available", at="/body/stream"
        )
    wanted = body.generation
    lfd = wanted.lfd if wanted else None
    if isinstance(lfd, LfdIn) and lfd.required:
        raise Rejected(
            "layer-fused decoding needs a model server, and none is configured",
            "not-available",
            at="/body/generation/lfd/required",
        )
    skipped = []
    if wanted and (wanted.max_tokens is not None or wanted.temperature is not None):
        skipped.append(Degraded("llm", "no model server is configured; sentences are quoted"))
    if lfd:
        skipped.append(Degraded("lfd", "no model server is configured"))
    return skipped
