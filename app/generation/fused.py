"""A language model whose texts are decoded with fused layers, where its server is proven to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Self, TypeVar

from pydantic import BaseModel

from app.domain.lfd import Fusing
from app.domain.model import (
    Completion,
    ModelError,
    ModelUnavailable,
    Prompt,
    PromptRefused,
    Sampling,
)
from app.generation.deadline import Deadline
from app.generation.probe import arguments, names_arguments
from app.generation.vllm import ChatModel
from app.generation.watch import Watch
from app.generation.writing import Writing

T = TypeVar("T", bound=BaseModel)


class Begun:
    """A reply of which the first piece was read already."""

    def __init__(self, first: str, rest: Writing) -> None:
        self._first, self._rest = first, rest

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        """The next piece; raises as `Writing`."""
        first, self._first = self._first, ""
        return first or await anext(self._rest)

    def so_far(self) -> Completion[str]:
        """What was received up to now."""
        return self._rest.so_far()


class FusedModel:
    """Satisfies the engine's `LanguageModel`; what it does is written into `Sampling.lfd`.

    Whatever speaks against what was last proven of the server has it probed again.
    """

    def __init__(self, model: ChatModel, watch: Watch) -> None:
        self._model, self._watch, self.name = model, watch, model.name

    async def complete(
        self,
        step: str,
        prompt: Prompt,
        schema: type[T],
        sampling: Sampling,
        seconds: float,
        repairs: int = 1,
    ) -> Completion[T]:
        """As `ChatModel.complete`: never with fused layers, since JSON is judged, not read."""
        try:
            return await self._model.complete(step, prompt, schema, sampling, seconds, repairs)
        except ModelUnavailable as error:
            self._failed(error)
            raise

    @asynccontextmanager
    async def stream(
        self, step: str, prompt: Prompt, sampling: Sampling, seconds: float
    ) -> AsyncGenerator[Writing | Begun, None]:
        """As `ChatModel.stream`; without fused layers at once if the server refuses them."""
        deadline = Deadline.after(seconds)
        try:
            async with AsyncExitStack() as held:
                writing: Writing | Begun | None = None
                fusing = sampling.lfd
                if fusing is not None and self._sends(fusing):
                    try:
                        fused = self._begun(step, prompt, _fused(sampling, fusing), seconds)
                        writing = await held.enter_async_context(fused)
                    except PromptRefused as refusal:
                        if not names_arguments(refusal):
                            raise
                        self._watch.stir()
                        fusing.sent = False
                        fusing.lost = "refused: the model server does not take LFD arguments now"
                if writing is None:
                    plain = self._model.stream(step, prompt, sampling, deadline.left())
                    writing = await held.enter_async_context(plain)
                yield writing
        except ModelUnavailable as error:
            self._failed(error)
            raise

    def _sends(self, fusing: Fusing) -> bool:
        last = self._watch.last
        fusing.state = last.state
        fusing.sent = fusing.wish.wanted and last.state == "on"
        if fusing.wish.asked and fusing.wish.wanted and not fusing.sent:
            fusing.lost = f"{last.state}: {last.reason}"
        return fusing.sent

    @asynccontextmanager
    async def _begun(
        self, step: str, prompt: Prompt, sampling: Sampling, seconds: float
    ) -> AsyncIterator[Begun]:
        """The reply from its first piece on: vLLM refuses arguments as the first event."""
        async with self._model.stream(step, prompt, sampling, seconds) as writing:
            try:
                first = await anext(writing)
            except ModelError as error:
                error.spent += writing.so_far().spent
                raise
            yield Begun(first, writing)

    def _failed(self, error: ModelUnavailable) -> None:
        if not error.status:  # whoever comes back may have been started anew, otherwise
            self._watch.stir()


def _fused(sampling: Sampling, fusing: Fusing) -> Sampling:
    wish = fusing.wish
    given = {"lfd_alpha": wish.alpha, "lfd_weight": wish.weight, "lfd_every": wish.every}
    return replace(sampling, extra={**sampling.extra, **arguments(given)})
