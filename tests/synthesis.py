"""Answers written by a scripted model, as a client would get them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from stub_llm import Script, Stub, stub

from app.domain.answer import Citation
from app.domain.hit import Hit
from app.engine.budget import Budget
from app.engine.cite import Statement, render
from app.engine.run import Generation, Run
from app.engine.steps.checker import SynthOptions
from app.engine.steps.synth import Note, Synthesis, synthesise
from app.generation.endpoint import Endpoint, EndpointOptions
from app.generation.retry import Retries
from app.generation.vllm import ChatModel
from tests.answering import HERE, Stored


async def _at_once(seconds: float) -> None:
    """No pause between tries."""


@dataclass(frozen=True)
class Written:
    """What became of one question."""

    synthesis: Synthesis | None
    statements: list[Statement]
    run: Run
    server: Stub

    @property
    def done(self) -> Synthesis:
        assert self.synthesis is not None
        return self.synthesis

    @property
    def texts(self) -> list[str]:
        return [statement.text for statement in self.statements]

    @property
    def answer(self) -> str:
        return render(self.statements)[0]

    @property
    def citations(self) -> tuple[Citation, ...]:
        return render(self.statements)[1]

    @property
    def steps(self) -> list[str]:
        return [request.step for request in self.server.requests]

    @property
    def degraded(self) -> list[str]:
        return [lost.reason for lost in self.run.degraded]


@asynccontextmanager
async def asking(
    script: Script, budget: Budget | None = None, generation: Generation | None = None
) -> AsyncIterator[tuple[Run, Stub]]:
    """A run with the scripted model."""
    async with stub(script) as server:
        endpoint = Endpoint(
            server.url, "", EndpointOptions(retries=Retries(1, 0.1, lambda: 0.5, _at_once))
        )
        await endpoint.open()
        try:
            model = ChatModel(endpoint, "some-model")
            yield Run(budget or Budget(), model, generation=generation), server
        finally:
            await endpoint.close()


def stored(found: Sequence[Hit]) -> Stored:
    """A store that holds the passages as their documents."""
    return Stored({hit.chunk.document_id: hit.chunk.text for hit in found if hit.chunk})


async def written(
    script: Script,
    found: Sequence[Hit],
    question: str,
    *,
    store: Stored | None = None,
    budget: Budget | None = None,
    generation: Generation | None = None,
    notes: Sequence[Note] = (),
    options: SynthOptions | None = None,
) -> Written:
    """Write an answer with the scripted model."""
    statements: list[Statement] = []
    async with asking(script, budget, generation) as (run, server):
        synthesis = await synthesise(
            run,
            question,
            notes,
            found,
            HERE,
            store or stored(found),
            statements.append,
            options,
        )
    return Written(synthesis, statements, run, server)
