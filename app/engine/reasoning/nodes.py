"""Answers one node of a plan: by a model that reads rounds, else by rules over one round."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.domain.errors import StorageUnavailable
from app.domain.events import Retrieved
from app.domain.hit import Hit
from app.domain.plan import SubQuestion
from app.engine.ranking.appraise import Appraiser
from app.engine.reading.words import content
from app.engine.reasoning.found import Hop, NodeStatus, Round, Sub, Variant
from app.engine.reasoning.grounds import about
from app.engine.reasoning.guess import Fit, Guess, GuessOptions, guesses
from app.engine.reasoning.loop import Loop, Looped
from app.engine.reasoning.wordings import Wordings
from app.engine.run import Run
from app.engine.steps.extract import extract
from app.engine.steps.rows import tell
from app.engine.steps.write import WriteOptions
from retrievers.errors import RetrieverError
from retrievers.protocol import Chunks
from retrievers.types import Chunk, Evidence, Query, Rows

Wording = tuple[str, float]
"""A text, and what it is worth less than the likeliest."""


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """Limits, chosen on development questions."""

    support: float = 0.35
    """Below it a value that rules read is no answer."""
    sure_rows: float = 0.75  # link confidence from which rows answer
    covered: float = 0.5
    """Share of a sub-question in its best passage below which rules ask a second time."""
    gap_penalty: float = 0.5  # what the wording of the second query is worth less
    hits: int = 8  # passages that rules read for a value
    traced: int = 10
    guess: GuessOptions = field(default_factory=GuessOptions)
    write: WriteOptions = field(default_factory=WriteOptions)


@dataclass(frozen=True, slots=True)
class Asked:
    """One node, ready to be asked.

    Args:
        wordings: The likeliest first.
        earlier: Ancestors, each with its answer.
        valued: Whether its value is needed, and not only a bridge to the next node.
        grounded: Whether what it is bound to came from passages about the right things.
        until: Monotonic time at which the channels must have answered.
    """

    node: SubQuestion
    wordings: tuple[Wording, ...]
    earlier: tuple[tuple[str, str], ...]
    valued: bool
    grounded: bool
    until: float

    @property
    def text(self) -> str:
        """The likeliest wording."""
        return self.wordings[0][0]


class Nodes:
    """Puts nodes to the channels and reads their answers."""

    def __init__(
        self,
        wordings: Wordings,
        appraiser: Appraiser,
        chunks: Chunks,
        loop: Loop,
        options: NodeOptions | None = None,
    ) -> None:
        self._wordings, self._appraiser, self._chunks = wordings, appraiser, chunks
        self._loop, self._options = loop, options or NodeOptions()

    async def ask(self, run: Run, query: Query, asked: Asked) -> Hop:
        """Answer the node; one that cannot be answered is stopped and says why.

        Args:
            query: The whole question's; the node keeps its collection and filter.
        """
        look = _Look(self._wordings, run, query, asked, self._options.traced)
        signals: Sequence[Mapping[str, object]] = ()
        hop = Hop(asked.node, asked.text, "stopped", "deadline")
        left = max(0.0, asked.until - time.monotonic())
        try:
            async with asyncio.timeout(left):
                hop, signals = await self._answered(run, query, asked, look)
        except* TimeoutError:
            run.limit("seconds")
        except* (RetrieverError, StorageUnavailable) as errors:
            run.degrade("graph", f"a sub-question was not looked up: {errors.exceptions[0]}")
            hop = replace(hop, reason="store_unavailable")
        return replace(
            hop,
            variants=tuple(look.variants),
            rounds=look.rounds(signals),
            valued=asked.valued,
        )

    async def _answered(
        self, run: Run, query: Query, asked: Asked, look: _Look
    ) -> tuple[Hop, Sequence[Mapping[str, object]]]:
        """The node, and what a model read in each round."""
        first = await look.round(asked.wordings, 1, "the sub-question")
        rows = self._from_rows(first)
        looped: Looped | None = None
        # What a table says for certain needs no reader.
        if rows is None and run.thinks:
            looped = await self._read(run, asked, look, first)
        elif rows is None:
            await self._second(run, look, first)
        hop = await self._concluded(query, asked, look, rows, looped)
        return hop, looped.signals if looped else ()

    async def _read(self, run: Run, asked: Asked, look: _Look, first: Sequence[Variant]) -> Looped:
        """Have a model read rounds, of which the first is asked already."""

        async def ask(query: str, number: int, why: str) -> Sequence[Chunk]:
            made = first if number == 1 else await look.round(((query, 0.0),), number, why)
            return _chunks([hit.evidence for hit in _hits(made)])

        rounds = max(1, run.ledger.budget.rounds)
        return await self._loop.run(run, asked.node.id, asked.text, asked.earlier, ask, rounds)

    async def _second(self, run: Run, look: _Look, first: Sequence[Variant]) -> None:
        """Ask by rules for what the best passage of the first round leaves open.

        Measured, a third round of rules drifts away from the sub-question.
        """
        gap = _gap(first[0]) if first and run.ledger.budget.rounds > 1 else None
        if gap is not None and first[0].covered < self._options.covered:
            await look.round(((gap, self._options.gap_penalty),), 2, "what is still missing")

    async def _concluded(
        self, query: Query, asked: Asked, look: _Look, rows: Sub | None, looped: Looped | None
    ) -> Hop:
        node, text = asked.node, asked.text
        if not look.variants:
            return Hop(node, text, "stopped", "budget")
        if rows is not None:
            return _resolved(node, text, rows, "rows", _best(look.variants))
        if looped is not None and looped.read:
            if looped.answer is None:
                return Hop(node, text, "stopped", looped.reason)
            return _resolved(node, text, looped.answer, looped.reason, _best(look.variants))
        if not any(variant.passages for variant in look.variants):
            return Hop(node, text, "stopped", "no_new_evidence")
        found = tuple(await self._guesses(query, look.variants, node))
        sure = asked.valued and asked.grounded
        answer = self._value(node, look.variants, found) if sure else None
        status: NodeStatus = "guessed" if found or answer else "stopped"
        reason = "candidates" if status == "guessed" else "low_support"
        return Hop(node, text, status, reason, guesses=found, answer=answer)

    def _from_rows(self, variants: Sequence[Variant]) -> Sub | None:
        """What certain rows say, of the likeliest wording alone."""
        for item in variants[0].rows if variants else ():
            if isinstance(item.origin, Rows) and item.score >= self._options.sure_rows:
                told = tell(item.origin, self._options.write.rows)
                if told is not None and told.short:
                    return Sub(told.short, item.score, True, tables=(item.origin,))
        return None

    def _value(
        self, node: SubQuestion, variants: Sequence[Variant], found: Sequence[Guess]
    ) -> Sub | None:
        """The typed value that rules read in the best passages."""
        hits = _hits(variants)[: self._options.hits]
        said = extract(variants[0].query.text, node.expects, hits, self._options.write)
        if said is None or said.support < self._options.support:
            return None
        sentence = said.pick.chunk.text[said.pick.start : said.pick.end]
        if not about(variants[0].query.text, said.pick.chunk, sentence):
            return None
        texts = tuple(guess.text for guess in found) if node.expects == "list" else ()
        return Sub(said.text, said.support, False, (said.pick,), texts)

    async def _guesses(
        self, query: Query, variants: Sequence[Variant], node: SubQuestion
    ) -> list[Guess]:
        """The best entities over all wordings, each worth what its wording is worth less."""
        options, dated = self._options.guess, node.expects in ("date", "number")
        best: dict[str, Guess] = {}
        for variant in variants:
            chunks = _chunks(variant.passages[: options.passages])
            named = await self._appraiser.graph.named(query.collection, [c.id for c in chunks])
            homes = {e.home for entities in named for e in entities if e.home is not None}
            known = await self._chunks.get(query.collection, sorted(homes))
            passages = [Fit(*each) for each in zip(chunks, variant.scores, named, strict=False)]
            for guess in guesses(variant.query.text, passages, known, dated, options):
                worth = replace(guess, score=guess.score - variant.penalty)
                if guess.key not in best or best[guess.key].score < worth.score:
                    best[guess.key] = worth
        return sorted(best.values(), key=lambda guess: (-guess.score, guess.key))[: options.most]


class _Look:
    """The rounds of one node: queries put to the channels, debited and told one by one."""

    def __init__(
        self, wordings: Wordings, run: Run, query: Query, asked: Asked, traced: int
    ) -> None:
        self._wordings, self._run, self._query, self._asked = wordings, run, query, asked
        self._traced = traced
        self.variants: list[Variant] = []
        self._rounds: list[Round] = []

    async def round(self, wordings: Sequence[Wording], number: int, why: str) -> Sequence[Variant]:
        """Ask the wordings that the budget allows, all at once."""
        allowed: list[Wording] = []
        for wording in wordings:
            if not self._run.ledger.query():
                self._run.limit("store_queries")
                break
            allowed.append(wording)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(
                    self._wordings.ask(replace(self._query, text=text), penalty, self._asked.until)
                )
                for text, penalty in allowed
            ]
        made = [task.result() for task in tasks]
        seen = {item.key for one in self.variants for item in one.passages[: self._traced]}
        for variant in made:
            self._run.tell(
                Retrieved(self._asked.node.id, number, variant.query.text, variant.channels)
            )
            heads = tuple(_hits([variant])[: self._traced])
            self._rounds.append(
                Round(
                    number=number,
                    query=variant.query.text,
                    why=why,
                    channels=variant.channels,
                    fused=heads,
                    new=sum(hit.key not in seen for hit in heads),
                    signals={"sufficiency": {"model": "coverage", "s": variant.covered}},
                )
            )
        self.variants += made
        return made

    def rounds(self, signals: Sequence[Mapping[str, object]]) -> tuple[Round, ...]:
        """What was asked, with what was read in each round."""
        return tuple(
            replace(one, signals=signals[one.number - 1]) if one.number <= len(signals) else one
            for one in self._rounds
        )


def _gap(variant: Variant) -> str | None:
    """What the best passage leaves open, asked of the thing that the passage is about."""
    best = _chunks(variant.passages[:1])
    if not best or not content(variant.residual):
        return None
    return f"{variant.residual} {best[0].title}".strip()


def _resolved(node: SubQuestion, text: str, answer: Sub, reason: str, best: Chunk | None) -> Hop:
    passage = answer.picks[0].chunk if answer.picks else best
    bound = (Guess("", answer.text, 0.0, passage),) if passage is not None else ()
    return Hop(node, text, "resolved", reason, guesses=bound, answer=answer)


def _hits(variants: Sequence[Variant]) -> list[Hit]:
    """The passages of all wordings, best first by what they are worth, each once."""
    worth: dict[str, tuple[float, Evidence, Variant]] = {}
    for variant in variants:
        for item, score in zip(variant.passages, variant.scores, strict=True):
            value = score - variant.penalty
            if item.key not in worth or worth[item.key][0] < value:
                worth[item.key] = (value, item, variant)
    ordered = sorted(worth.items(), key=lambda one: (-one[1][0], one[0]))
    return [
        Hit(item, value, variant.standings.get(key, {})) for key, (value, item, variant) in ordered
    ]


def _best(variants: Sequence[Variant]) -> Chunk | None:
    found = _chunks([item for variant in variants for item in variant.passages[:1]])
    return found[0] if found else None


def _chunks(items: Sequence[Evidence]) -> list[Chunk]:
    return [item.origin for item in items if isinstance(item.origin, Chunk)]
