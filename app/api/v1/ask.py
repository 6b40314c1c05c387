"""`POST …/ask`: one question, answered with verified citations, at once or as it is found."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from app.api import filters, render
from app.api.asking import bodies
from app.api.asking.answer import Asked, answered
from app.api.asking.events import Numbered, settles, told
from app.api.asking.stream import EventStream, Put
from app.api.deps import CollectionDep, Edge, EdgeDep, PrincipalDep, SecuredRoute
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.limits import query_size
from app.api.schemas import AnswerOut, Body, FilterIn, Spoken, Text, TopK
from app.domain.events import Completed, Event
from app.engine.request import Request

router = APIRouter(prefix="/v1", tags=["questions"], route_class=SecuredRoute)


class AskIn(Body):
    """One question."""

    question: Spoken
    reasoning: Literal["auto", "direct", "lag"] = "auto"
    top_k: TopK | None = None
    filters: FilterIn = None
    stream: bool = False
    instructions: Annotated[Text, Field(max_length=bodies.INSTRUCTIONS)] | None = None
    generation: bodies.GenerationIn | None = None
    budget: bodies.BudgetIn | None = None


@router.post(
    "/collections/{collection}/ask",
    response_model=AnswerOut,
    **operation(
        "ask",
        "Answer a question from the collection",
        "read",
        request=examples.ASK,
        answer=examples.ANSWER,
        streamed=examples.ASK_STREAM,
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

    With `stream` the answer comes as Server-Sent Events: `answer.created`, `plan.created`, for each
    step `step.started`, `retrieval.completed`, `step.completed`, then `evidence.selected`,
    `answer.delta` and `citation.added`, and last `answer.completed` (the whole answer, as without
    `stream`) or `error` (a problem). A delta is a verified statement, which is never taken back;
    joined, the deltas are `answer`. Leaving cancels the question.
    """
    query_size(body.question, here.limits, "/body/question")
    instructions = body.instructions or ""
    asked = Asked(
        collection.id,
        Request(
            body.question,
            reasoning=body.reasoning,
            top_k=body.top_k or 10,
            filter=filters.parse(body.filters),
            limits=bodies.limits(body.budget),
            generation=bodies.generation(body.generation, instructions),
        ),
        bodies.unmet(body.generation, instructions, here.services),
        principal.key_id,
    )
    if body.stream:
        return followed(here, asked)
    return render.reply(await answered(here, asked))


def followed(here: Edge, asked: Asked) -> Response:
    """The answer's events; the answer itself is kept before the last of them leaves."""
    numbered = Numbered()

    async def work(put: Put) -> None:
        def listen(event: Event) -> None:
            if not isinstance(event, Completed):  # told by us, once it is kept
                put(numbered(*told(event)), held=not settles(event))

        document = await answered(here, asked, listen)
        put(numbered("answer.completed", document))

    return EventStream(work, lambda problem: numbered("error", problem))
