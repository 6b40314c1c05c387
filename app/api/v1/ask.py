"""`POST …/ask`: one question, answered with verified citations, at once or as it is found."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from app.api import render
from app.api.asking import bodies
from app.api.asking.answer import PROBLEMS, Asked, answered
from app.api.asking.events import Numbered, settles, told
from app.api.asking.stream import EventStream, Put
from app.api.deps import CollectionDep, Edge, EdgeDep, PrincipalDep, SecuredRoute
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.limits import query_size
from app.api.schemas import AnswerOut, Spoken, Text
from app.domain.events import Completed, Event

router = APIRouter(prefix="/v1", tags=["questions"], route_class=SecuredRoute)


class AskIn(bodies.OptionsIn):
    """One question."""

    question: Spoken
    stream: bool = False
    instructions: Annotated[Text, Field(max_length=bodies.INSTRUCTIONS)] | None = None


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
        problems=PROBLEMS,
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
    request, unmet = await bodies.request(
        body.question, body, body.instructions or "", here.services
    )
    asked = Asked(collection.id, request, unmet, principal.key_id)
    if body.stream:
        return followed(here, asked)
    return render.reply(await answered(here, asked))


def followed(here: Edge, asked: Asked) -> Response:
    """The answer's events; the answer itself is kept before the last of them leaves."""
    numbered = Numbered()

    async def work(put: Put) -> None:
        def listen(event: Event) -> None:
            if not isinstance(event, Completed):  # told below, once it is kept
                put(numbered(*told(event)), held=not settles(event))

        document = await answered(here, asked, listen)
        put(numbered("answer.completed", document))

    return EventStream(work, lambda problem: numbered("error", problem))
