"""`POST /v1/chat/completions` and `GET /v1/models`, for clients made for OpenAI's service."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from app.api import render
from app.api.asking import bodies
from app.api.asking.answer import PROBLEMS, Asked, answered
from app.api.asking.stream import EventStream, Put, frame
from app.api.compat.chat import ChatIn, conversation, options, unread
from app.api.compat.completion import Completion
from app.api.compat.errors import report
from app.api.deps import Edge, EdgeDep, PrincipalDep, SecuredRoute, visible
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.limits import query_size
from app.domain.documents import Collection
from app.domain.events import Created, Delta, Event
from app.domain.principal import Principal

HOUSE = "anabranch"
DONE = b"data: [DONE]\n\n"


class OpenAIRoute(SecuredRoute):
    """A secured route that reports errors as OpenAI does."""

    report = staticmethod(report)


router = APIRouter(prefix="/v1", tags=["openai"], route_class=OpenAIRoute)


class ModelOut(BaseModel):
    """A collection as a model."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelsOut(BaseModel):
    """What the key may ask."""

    object: Literal["list"]
    data: list[ModelOut]


class MessageOut(BaseModel):
    """The answer."""

    role: Literal["assistant"]
    content: str
    refusal: None
    annotations: list[dict[str, Any]]


class ChoiceOut(BaseModel):
    """The only choice."""

    index: int
    message: MessageOut
    logprobs: None
    finish_reason: Literal["stop", "length"]


class ChatUsageOut(BaseModel):
    """What the answer cost."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionOut(BaseModel):
    """A chat completion; `id` is the answer's, and `anabranch` the answer without its text."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChoiceOut]
    usage: ChatUsageOut
    anabranch: dict[str, Any]


@router.get(
    "/models",
    response_model=ModelsOut,
    **operation(
        "listModels",
        "Collections as models",
        "read",
        answer=examples.MODELS,
        problems=[],
        report=report,
    ),
)
async def models(principal: PrincipalDep, here: EdgeDep) -> Response:
    """Each collection that the key may see is a model; `anabranch` stands for `default`."""
    seen = [each for each in await here.services.collections.all() if principal.sees(each.name)]
    by_name = {each.name: each for each in seen}
    if default := by_name.get("default"):
        house = {HOUSE: default}  # first, and in front of a collection that is called so
        by_name = house | by_name | house
    return render.reply(
        {"object": "list", "data": [_model(name, made) for name, made in by_name.items()]}
    )


def _model(name: str, made: Collection) -> dict[str, Any]:
    created = int(made.created_at.timestamp())
    return {"id": name, "object": "model", "created": created, "owned_by": HOUSE}


@router.post(
    "/chat/completions",
    response_model=CompletionOut,
    **operation(
        "createChatCompletion",
        "Answer a question in the shape of a chat",
        "read",
        request=examples.CHAT,
        answer=examples.COMPLETION,
        streamed=examples.CHAT_STREAM,
        problems=PROBLEMS,
        report=report,
    ),
)
async def chat(body: ChatIn, principal: PrincipalDep, here: EdgeDep) -> Response:
    """`model` is a collection, the last message of the user the question, answered as by `ask`.

    Messages of the system are instructions. With a language model, earlier turns make the question
    stand alone; without one they are not read, which `degraded` says. A statement's citation is
    an annotation of the message. Options of our own are in `anabranch` (`extra_body` of the
    client). In a stream, annotations come with the chunk that has a `finish_reason`.
    """
    asked = await _asked(body, principal, here)
    with_usage = body.stream_options is not None and bool(body.stream_options.include_usage)
    completion = Completion(body.model, with_usage)
    if body.stream:
        return _followed(here, asked, completion)
    return render.reply(completion.whole(await answered(here, asked)))


async def _asked(body: ChatIn, principal: Principal, here: Edge) -> Asked:
    name = "default" if body.model == HOUSE else body.model
    collection = await visible(here.services, principal, name)
    said = conversation(body.messages)
    query_size(said.question, here.limits, said.at)
    request, unmet = await bodies.request(
        said.question,
        options(body),
        said.instructions,
        here.services,
        "/body/anabranch",
        said.turns,
        body.seed,
    )
    return Asked(collection.id, request, [*unmet, *unread(body)], principal.key_id)


def _followed(here: Edge, asked: Asked, completion: Completion) -> Response:
    async def work(put: Put) -> None:
        def listen(event: Event) -> None:
            if isinstance(event, Created):
                completion.id = event.id
                put(frame(completion.opening()), held=True)
            elif isinstance(event, Delta):
                put(frame(completion.piece(event.text)))

        document = await answered(here, asked, listen)
        for chunk in completion.closing(document):
            put(frame(chunk))
        put(DONE)

    return EventStream(work, frame)
