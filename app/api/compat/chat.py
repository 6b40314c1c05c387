"""What a chat request may hold, and the question in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.api.asking.bodies import INSTRUCTIONS, LONGEST_REPLY, GenerationIn, OptionsIn
from app.api.limits import printable
from app.api.schemas import WHOLE, Body, Text
from app.domain.errors import Rejected
from app.domain.hit import Degraded

_STRING = {"type": "string", "pattern": r"^[^\x00]*$"}
_PART = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {"type": {"const": "text"}, "text": _STRING},
}


def _joined(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list):
        value = "\n".join(_part(part) for part in value)
    if not isinstance(value, str):
        raise ValueError("a string, or a list of parts with text, is expected")
    try:
        return printable(value, "")
    except Rejected as error:
        raise ValueError(error.detail) from error


def _part(part: Any) -> str:
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    raise ValueError('only parts {"type": "text", "text": …} are read')


def _refused(value: object) -> None:
    if value is not None:
        raise ValueError("this is not offered here; leave it out")


Said = Annotated[
    str | None,
    BeforeValidator(_joined),
    WithJsonSchema(
        {"anyOf": [_STRING, {"type": "array", "items": _PART}, {"type": "null"}]},
    ),
]
NotOffered = Annotated[None, BeforeValidator(_refused), Field(description="Not offered.")]
Count = Annotated[int, Field(ge=1), WHOLE]


class MessageIn(BaseModel):
    """One turn; members of it that are not listed are not read: clients send back what they got."""

    model_config = ConfigDict(strict=True)

    role: Literal["system", "developer", "user", "assistant"]
    content: Said = None


class StreamOptionsIn(Body):
    """What a stream tells besides."""

    include_usage: bool | None = None


class ChatIn(Body):
    """One question in the shape of a chat."""

    model: Annotated[Text, Field(description="A collection; `anabranch` is `default`.")]
    messages: Annotated[list[MessageIn], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptionsIn | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    seed: Annotated[int, WHOLE] | None = None
    stop: Text | Annotated[list[Text], Field(max_length=4)] | None = None
    user: Annotated[Text | None, Field(description="Not kept.")] = None
    # Chat front ends send these as they stand; another value would be wished for in vain.
    n: Annotated[int, Field(ge=1, le=1), WHOLE] | None = None
    top_p: Annotated[float, Field(ge=1, le=1)] | None = None
    presence_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    frequency_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    logprobs: Literal[False] | None = None
    tools: NotOffered = None
    response_format: NotOffered = None
    anabranch: Annotated[
        OptionsIn | None, Field(description="What only this service knows of; as for `ask`.")
    ] = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is read of the messages."""

    question: str
    at: str  # JSON pointer of the question
    instructions: str
    turns: tuple[tuple[str, str], ...]  # who said what before, the oldest first


def conversation(messages: Sequence[MessageIn]) -> Conversation:
    """The last message of the user is the question, the system's are instructions.

    Raises:
        Rejected: No message of the user, an empty one, or instructions that are too long.
    """
    users = [place for place, said in enumerate(messages) if said.role == "user"]
    if not users:
        raise Rejected("none of the messages is of the role `user`", at="/body/messages")
    at = f"/body/messages/{users[-1]}/content"
    question = messages[users[-1]].content or ""
    if not question.strip():
        raise Rejected("the last message of the user is the question, and is empty", at=at)
    told = [said.content for said in messages if said.role in ("system", "developer")]
    instructions = "\n\n".join(text for text in told if text)
    if len(instructions) > INSTRUCTIONS:
        raise Rejected(
            f"the system's messages may have {INSTRUCTIONS} characters together; "
            f"these have {len(instructions)}",
            at="/body/messages",
        )
    turns = tuple(
        (said.role, said.content)
        for said in messages[: users[-1]]
        if said.role in ("user", "assistant") and said.content
    )
    return Conversation(question, at, instructions, turns)


def options(body: ChatIn) -> OptionsIn:
    """How the question is to be answered; our own option wins over OpenAI's of the same name."""
    ours = body.anabranch or OptionsIn()
    wanted = ours.generation or GenerationIn()
    longest = body.max_completion_tokens or body.max_tokens
    if wanted.max_tokens is None and longest is not None:
        # Chat clients ask for far more than an answer of cited statements can be.
        wanted = wanted.model_copy(update={"max_tokens": min(longest, LONGEST_REPLY)})
    if wanted.temperature is None:
        wanted = wanted.model_copy(update={"temperature": body.temperature})
    return ours.model_copy(update={"generation": wanted})


def unread(body: ChatIn) -> list[Degraded]:
    """What is left out of account."""
    if not body.stop:
        return []
    return [Degraded("llm", "`stop` is not heeded: only whole statements are written")]
