"""The RFM-style loop of one sub-question with a model: read, judge, ask for what is missing.

After the abstract of RFM-RAG (arXiv 2508.17862), whose method section could not be read: the pool,
the stop rules and their thresholds are our own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.engine.ranking.appraise import QueryEncoder
from app.engine.reading.sentences import sentences
from app.engine.reasoning.found import Sub
from app.engine.reasoning.pool import Fact, Pool
from app.engine.reasoning.verbatim import held, terms
from app.engine.run import Run
from app.engine.steps.round import MOST_PASSAGES, Reading, answer_from_pool, read_round
from app.engine.steps.write import Pick
from retrievers.errors import RetrieverError
from retrievers.types import Chunk

Ask = Callable[[str, int, str], Awaitable[Sequence[Chunk]]]
"""Puts a query of a round (from 1) to the channels, for a reason; passages, best first."""


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """When a loop ends."""

    repeated: float = 0.95
    """Cosine from which a query counts as asked before (MiniLM's scale)."""


@dataclass(frozen=True, slots=True)
class Looped:
    """What came of a loop."""

    answer: Sub | None
    reason: str
    signals: tuple[Mapping[str, Any], ...]  # of each round that was read, for the trace
    keys: tuple[str, ...] = ()  # passages that hold facts, the best fact's first
    read: bool = True
    """Whether a model read to the end; if not, rules must answer."""


class Loop:
    """Reads rounds until the answer is found, or nothing new is to be had."""

    def __init__(self, encoder: QueryEncoder, options: LoopOptions | None = None) -> None:
        self._encoder, self._options = encoder, options or LoopOptions()

    async def run(
        self,
        run: Run,
        step: str,
        text: str,
        earlier: Sequence[tuple[str, str]],
        ask: Ask,
        rounds: int,
        *,
        conclude: bool = True,
    ) -> Looped:
        """Answer one sub-question.

        Args:
            step: The node's id.
            text: With the answers of other nodes filled in.
            earlier: Its ancestors, each with its answer.
            rounds: At most; at least 1.
            conclude: Whether to ask once more for an answer from all that is known, where no round
                gave one; of no use where the facts are read again to write the answer.

        Raises:
            RetrieverError: As `ask` does.
        """
        pool, chunks = Pool(), dict[str, Chunk]()
        signals: list[Mapping[str, Any]] = []
        query, why, reason = text, "the sub-question", "max_rounds"
        for number in range(1, rounds + 1):
            found = await ask(query, number, why)
            chunks |= {chunk.key: chunk for chunk in found}
            new = set(pool.unseen(chunk.key for chunk in found))
            if not new:
                reason = "no_new_evidence"
                break
            shown = [chunk for chunk in found if chunk.key in new][:MOST_PASSAGES]
            last = number == rounds
            reading = await read_round(run, step, number, text, earlier, shown, pool, last)
            if reading is None:
                return Looped(None, "no_model", tuple(signals), _keys(pool), read=False)
            # Only what was shown counts as seen: the rest may still be read for another query.
            keys = [chunk.key for chunk in shown]
            pool = pool.merged(reading.facts).looked(number, query, why, keys, reading.confidence)
            signals.append(_signals(reading))
            if reading.answer is not None:
                sub = _sub(reading.answer, reading.confidence, reading.keys, pool, chunks)
                return Looped(sub, "sufficient", tuple(signals), _keys(pool))
            if last or reading.gap_query is None:
                reason = "max_rounds" if last else "no_gap"
                break
            query, why = reading.gap_query, "what is still missing"
            if await self._repeats(query, pool):
                reason = "query_repeated"
                break
        answer = None
        if conclude:
            answer = await self._from_pool(run, step, text, earlier, pool, chunks)
        return Looped(answer, reason, tuple(signals), _keys(pool))

    async def _from_pool(
        self,
        run: Run,
        step: str,
        text: str,
        earlier: Sequence[tuple[str, str]],
        pool: Pool,
        chunks: Mapping[str, Chunk],
    ) -> Sub | None:
        """The last try: an answer from what is known, where anything is."""
        if not pool.known:
            return None
        said = await answer_from_pool(run, step, text, earlier, pool)
        if said is None or said.answer is None:
            return None
        return _sub(said.answer, said.confidence, said.keys, pool, chunks)

    async def _repeats(self, query: str, pool: Pool) -> bool:
        if pool.asked(query):
            return True
        texts = [query, *(look.query for look in pool.history)]
        try:
            vectors = await self._encoder.queries(texts)
        except RetrieverError:  # the channel that needs the encoder says so
            return False
        return bool((vectors[1:] @ vectors[0]).max() > self._options.repeated)


def _sub(
    text: str, support: float, keys: Sequence[str], pool: Pool, chunks: Mapping[str, Chunk]
) -> Sub:
    """The answer, resting on the facts that carry it, else on those of its passages."""
    facts = [fact for fact in pool.known if fact.passage in keys and fact.passage in chunks]
    carrying = [_pick(fact, chunks, support) for fact in facts if fact.answers]
    if not carrying:
        # The answer stands in a cited passage, but in none of the spans that were copied.
        carrying = [
            pick for key in keys if key in chunks for pick in _said(text, chunks[key], support)
        ]
    return Sub(text, support, True, tuple(carrying or (_pick(f, chunks, support) for f in facts)))


def _said(text: str, chunk: Chunk, support: float) -> list[Pick]:
    """The first sentence of the passage that holds the whole answer."""
    wanted = terms(text)
    for start, end, closed, _ in sentences(chunk.text):
        if held(wanted, chunk.text[start:end]) == wanted:
            return [Pick(chunk, start, end, closed, support)]
    return []


def _pick(fact: Fact, chunks: Mapping[str, Chunk], support: float) -> Pick:
    chunk = chunks[fact.passage]
    closed = chunk.text[: fact.end].rstrip().endswith((".", "!", "?"))
    return Pick(chunk, fact.start, fact.end, closed, support)


def _keys(pool: Pool) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fact.passage for fact in pool.known))


def _signals(reading: Reading) -> Mapping[str, Any]:
    return {
        "facts": [fact.text for fact in reading.facts],
        "fabricated_spans": reading.fabricated,
        "sufficiency": {"model": "llm", "s": reading.confidence, "said": reading.sufficient},
        "gap_query": reading.gap_query,
    }
