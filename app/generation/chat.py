"""Bodies of `/v1/chat/completions`: what is sent, what comes back whole and in pieces."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.model import (
    MalformedReply,
    ModelError,
    ModelUnavailable,
    Prompt,
    PromptRefused,
    Sampling,
    Spent,
)

Message = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """A reply, or a piece of one; empty where it says nothing about it.

    Args:
        usage: Tokens of prompt and reply.
    """

    text: str = ""
    finish: str = ""
    model: str = ""
    usage: tuple[int, int] | None = None


def messages(prompt: Prompt) -> list[Message]:
    """The prompt in the protocol's roles."""
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return [*system, {"role": "user", "content": prompt.user}]


def request(model: str, told: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
    """The body that all requests share."""
    seed = {} if sampling.seed is None else {"seed": sampling.seed}
    return {
        **sampling.extra,
        "model": model,
        "messages": list(told),
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        **seed,
    }


def whole(body: Any) -> Said:
    """A complete reply.

    Raises:
        ModelUnavailable: An error under the status 200, as some gateways send it.
        PromptRefused: The model refuses.
        MalformedReply: No chat completion, or one without a text.
    """
    said = _said(body, "message")
    if not said.text:
        raise MalformedReply("the model replied without a text")
    return said


def piece(body: Any) -> Said:
    """One event of a stream; raises like `whole`, except that a piece may be without a text."""
    return _said(body, "delta")


def spent(said: Said, told: Sequence[Message]) -> Spent:
    """Cost of a reply, estimated where the server did not say it."""
    if said.usage is not None:
        return Spent(1, *said.usage)
    around = 4  # tokens of a chat template for each message, about
    prompt = sum(estimated(message["content"]) + around for message in told)
    return Spent(1, prompt, estimated(said.text), estimated=True)


def estimated(text: str) -> int:
    """About how many tokens a text has: one for 4 bytes, so that no script is much too cheap."""
    return math.ceil(len(text.encode("utf-8", "replace")) / 4)


def _said(body: Any, part: str) -> Said:
    if not isinstance(body, dict):
        raise MalformedReply("the model server answered no chat completion")
    if body.get("error"):
        raise reported(body["error"])
    usage, model = _usage(body.get("usage")), body.get("model")
    model = model if isinstance(model, str) else ""
    choices = body.get("choices")
    if choices == [] and part == "delta":  # the last event, which holds the usage
        return Said(model=model, usage=usage)
    try:
        choice = body["choices"][0]
        said, finish = choice.get(part) or {}, choice.get("finish_reason")
        text, refusal = said.get("content"), said.get("refusal")
    except (TypeError, LookupError, AttributeError) as error:
        raise MalformedReply("the model server answered no chat completion") from error
    if refusal:
        raise PromptRefused("the model refuses to reply")
    text = _mended(text) if isinstance(text, str) else ""
    return Said(text, finish if isinstance(finish, str) else "", model, usage)


def reported(error: Any) -> ModelError:
    """An error in place of a reply or a piece, as vLLM tells those of a stream.

    The server's words are not in its text: they may quote what it was sent.
    """
    code, said = (error.get("code"), error.get("message")) if isinstance(error, dict) else (0, "")
    code = code if isinstance(code, int) else 0
    made: ModelError
    if 400 <= code < 500 and code != 429:
        made = PromptRefused(f"the model server reported error {code}")
    else:
        told = f" {code}" if code else ""
        made = ModelUnavailable(f"the model server reported an error{told} in place of a reply")
    made.status, made.said = code, " ".join(said.split()) if isinstance(said, str) else ""
    return made


def _usage(usage: Any) -> tuple[int, int] | None:
    if not isinstance(usage, dict):
        return None
    prompt, reply = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if type(prompt) is int and type(reply) is int and min(prompt, reply) >= 0:
        return prompt, reply
    return None


def _mended(text: str) -> str:
    """Without lone surrogates, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
