"""A language model behind an OpenAI-compatible server: vLLM and others."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar

from pydantic import BaseModel

from app.domain.model import Completion, MalformedReply, ModelError, Prompt, Sampling, Spent
from app.generation.chat import messages, request, spent, whole
from app.generation.deadline import Deadline
from app.generation.endpoint import Endpoint
from app.generation.structured import read, repair, response_format
from app.generation.writing import Writing
from retrievers.protocol import Health

T = TypeVar("T", bound=BaseModel)

_PATH = "chat/completions"


class ChatModel:
    """Satisfies the engine's `LanguageModel`.

    Args:
        endpoint: The server; opened and closed by whoever made it.
        model: As the server names it.
    """

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self._endpoint, self.name = endpoint, model

    async def complete(
        self,
        step: str,
        prompt: Prompt,
        schema: type[T],
        sampling: Sampling,
        seconds: float,
        repairs: int = 1,
    ) -> Completion[T]:
        """A reply that satisfies `schema`; a faulty one goes back with what is wrong with it.

        Args:
            step: Id of the step, sent as `X-Anabranch-Step`.
            schema: Sent as JSON schema, and what the reply is validated by.
            seconds: For everything: waiting for a place, retries and repairs.
            repairs: How often a faulty reply is sent back.

        Raises:
            ModelUnavailable: No reply in time, or none after the retries.
            PromptRefused: The server does not take the request.
            MalformedReply: No chat completion, or a last reply that does not satisfy the schema.
        """
        deadline, told, total = Deadline.after(seconds), messages(prompt), Spent()
        faults = [""]
        for _ in range(1 + repairs):
            body = request(self.name, told, sampling)
            body["response_format"] = response_format(schema)
            try:
                said = whole(await self._endpoint.post(_PATH, step, body, deadline))
            except ModelError as error:
                error.spent = total + error.spent
                raise
            total += spent(said, told)
            value = read(schema, said)
            if not isinstance(value, list):
                return Completion(value, total, said.model or self.name, said.finish)
            faults = value
            told = [*told, *repair(said, faults)]
        raise MalformedReply(f"the reply does not satisfy {schema.__name__}: {faults[0]}", total)

    @asynccontextmanager
    async def stream(
        self, step: str, prompt: Prompt, sampling: Sampling, seconds: float
    ) -> AsyncGenerator[Writing, None]:
        """A text as it is written; leaving the block ends the request at the server.

        Arguments as for `complete`. Time that the caller takes between two pieces counts, but only
        waiting for the server is interrupted.

        Raises:
            ModelUnavailable: On entering, as `complete`; on reading, also when the stream breaks
                off before its end.
            PromptRefused: The server does not take the request.
            MalformedReply: On reading: events that are no chat completion, or no text at all.
        """
        told = messages(prompt)
        body = request(self.name, told, sampling)
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        deadline = Deadline.after(seconds)
        async with self._endpoint.stream(_PATH, step, body, deadline) as chunks:
            yield Writing(chunks, told, self.name)

    async def probe(self, seconds: float = 5.0) -> Health:
        """What the server answers to a listing of its models; never raises, costs no tokens.

        `down`: it does not answer or not to this key; `degraded`: it does not list our model.
        """
        try:
            listing = await self._endpoint.get("models", Deadline.after(seconds))
        except ModelError as error:
            return Health("down", str(error))
        url = self._endpoint.url
        entries = listing.get("data") if isinstance(listing, dict) else None
        if not isinstance(entries, list):
            return Health("degraded", f"{url} answers, but lists no models")
        named = {
            entry["id"]: entry for entry in entries if isinstance(entry, dict) and "id" in entry
        }
        if self.name not in named:
            others = self._endpoint.told(", ".join(sorted(map(str, named)))) or "nothing"
            return Health("degraded", f"{url} does not serve {self.name}, but {others}")
        context = named[self.name].get("max_model_len")  # of vLLM; others do not say it
        size = f", {context} tokens" if type(context) is int else ""
        return Health("ok", f"{url} serves {self.name}{size}")
