"""One round of a node: a model reads passages, and code believes only what stands in them.

A model gives back strings. A fact counts if it stands in its passage letter by letter, an answer if
it rests on such a fact and its words stand there, too. Nothing else of a reply is used, so whatever
a passage tells the model, ids, filters and budgets stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.plan import LONGEST_TEXT, literal
from app.engine.prompts.fence import Numbered
from app.engine.prompts.node import (
    MOST_FACTS,
    AnswerReply,
    CopiedFact,
    RoundReply,
    answer_prompt,
    round_prompt,
)
from app.engine.reading.passage import folded
from app.engine.reading.words import content
from app.engine.reasoning.pool import Fact, Pool
from app.engine.reasoning.verbatim import held, locate, terms
from app.engine.run import Run
from app.engine.sanitise import sanitise
from retrievers.types import Chunk

MOST_PASSAGES = 6
LONGEST_PASSAGE = 1_200
"""Characters that are shown; chunks of the usual encoder seldom have more."""
MOST_KNOWN = 12
LONGEST_ANSWER = 200
"""Characters of a sub-answer: it is put into the texts of other nodes."""
_LONGEST_FACT = 600
_ROUND_REPLY, _ANSWER_REPLY = 500, 200  # tokens
_YES_NO = frozenset(("yes", "no"))


@dataclass(frozen=True, slots=True)
class Reading:
    """What is believed of a model's reply about one round."""

    facts: tuple[Fact, ...]  # verbatim spans only; offsets are into the chunk's text
    fabricated: int  # spans that were no substring of their passage: rejected
    answer: str | None
    """Trusted: sufficient, with a verbatim fact, and its words stand in the passages or facts that
    were cited; "yes" and "no" need no words."""
    keys: tuple[str, ...]  # of the passages that the answer rests on; empty without an answer
    sufficient: bool  # said by the model, with at least one verbatim fact
    gap_query: str | None  # what to ask next, on one line, at most 300 characters
    confidence: float  # as the model says, in [0, 1]


@dataclass(frozen=True, slots=True)
class PoolAnswer:
    """What is believed of a model's answer after the last round."""

    answer: str | None  # trusted as in `Reading`
    keys: tuple[str, ...]
    confidence: float
    unanswerable: bool  # the model says that what it read does not answer


@dataclass(frozen=True, slots=True)
class _Shown:
    """A text under a number of the prompt: a passage's beginning, or a fact."""

    key: str
    title: str
    text: str
    start: int  # in its chunk's text

    def holds(self, wanted: frozenset[str]) -> frozenset[str]:
        return held(wanted, f"{self.title}\n{self.text}")


async def read_round(
    run: Run,
    node_id: str,
    round: int,
    text: str,
    earlier: Sequence[tuple[str, str]],
    chunks: Sequence[Chunk],
    pool: Pool,
    last: bool,
) -> Reading | None:
    """Read what a round found; None where no model did, and rules must.

    Where there is nothing to read, the reading is empty and costs no call.

    Args:
        text: The sub-question, with the answers of other nodes filled in.
        earlier: The node's ancestors, each with its answer.
        chunks: Best first; the first six are read.
        last: Whether no further round follows: then there is no gap query.
    """
    shown = _shown(chunks, pool)
    if not shown:
        return Reading((), 0, None, (), False, None, 0.0)
    prompt = round_prompt(text, earlier, _numbered(shown), last=last)
    step = f"node.round.{node_id}.{round}"
    reply = await run.complete(step, prompt, RoundReply, _ROUND_REPLY)
    if reply is None:
        return None
    copied = reply.facts[:MOST_FACTS]
    found = [_fact(one, shown, text, round) for one in copied]
    facts = list(dict.fromkeys(fact for fact in found if fact is not None))
    sources = {fact.passage for fact in facts}
    # Facts of earlier rounds were found to be verbatim then.
    cited = [one for one in shown if one.key in sources] + [_of(fact) for fact in pool.known]
    sufficient = reply.sufficient and bool(cited)
    answer, keys = _believed(reply.answer, cited) if sufficient else (None, ())
    return Reading(
        facts=tuple(_marked(facts, answer)),
        fabricated=len(copied) - sum(fact is not None for fact in found),
        answer=answer,
        keys=keys,
        sufficient=sufficient,
        gap_query=None if last or answer else _query(reply.gap_query),
        confidence=_share(reply.confidence),
    )


async def answer_from_pool(
    run: Run,
    node_id: str,
    text: str,
    earlier: Sequence[tuple[str, str]],
    pool: Pool,
    chunks: Sequence[Chunk] = (),
) -> PoolAnswer | None:
    """Answer from what is known when the rounds ended without an answer; None as `read_round`.

    Args:
        chunks: Passages to read beside the known facts, best first.
    """
    shown = _shown(chunks, pool)
    if not shown:
        return PoolAnswer(None, (), 0.0, unanswerable=True)
    prompt = answer_prompt(text, earlier, _numbered(shown))
    reply = await run.complete(f"node.answer.{node_id}", prompt, AnswerReply, _ANSWER_REPLY)
    if reply is None:
        return None
    cited = [shown[n - 1] for n in dict.fromkeys(reply.passages) if 1 <= n <= len(shown)]
    answer, keys = (None, ()) if reply.unanswerable else _believed(reply.answer, cited)
    return PoolAnswer(answer, keys, _share(reply.confidence), reply.unanswerable)


def _shown(chunks: Sequence[Chunk], pool: Pool) -> list[_Shown]:
    """Passages, then the facts that do not stand in what is shown of them."""
    passages = [
        _Shown(chunk.key, chunk.title, chunk.text[:LONGEST_PASSAGE], 0)
        for chunk in chunks[:MOST_PASSAGES]
    ]
    there = {one.key for one in passages}
    known = [
        _of(fact) for fact in pool.known if fact.passage not in there or fact.end > LONGEST_PASSAGE
    ]
    return passages + known[:MOST_KNOWN]


def _of(fact: Fact) -> _Shown:
    return _Shown(fact.passage, fact.title, fact.text, fact.start)


def _numbered(shown: Sequence[_Shown]) -> list[Numbered]:
    return [Numbered(number, one.title, one.text) for number, one in enumerate(shown, start=1)]


def _fact(copied: CopiedFact, shown: Sequence[_Shown], text: str, round: int) -> Fact | None:
    """The span as its passage has it; None where the passage does not have it."""
    if not 1 <= copied.passage <= len(shown) or len(copied.text) > _LONGEST_FACT:
        return None
    source = shown[copied.passage - 1]
    place = locate(copied.text, source.text)
    if place is None:
        return None
    start, end = place
    said = source.text[start:end]
    wanted = frozenset(content(text))
    told = wanted.intersection(content(f"{source.title}\n{said}"))
    return Fact(
        text=said,
        passage=source.key,
        start=source.start + start,
        end=source.start + end,
        round=round,
        utility=len(told) / max(len(wanted), 1),
        title=source.title,
    )


def _believed(said: str | None, cited: Sequence[_Shown]) -> tuple[str | None, tuple[str, ...]]:
    """The answer and the passages it rests on, if its words stand there."""
    answer = " ".join(sanitise((said or "")[: 2 * LONGEST_ANSWER]).split())
    wanted = terms(answer)
    if not cited or not wanted or len(answer) > LONGEST_ANSWER:
        return None, ()
    if folded(answer) in _YES_NO:
        return answer, _keys(cited)
    holding = [(one, one.holds(wanted)) for one in cited]
    if frozenset().union(*(found for _, found in holding)) != wanted:
        return None, ()
    whole = [one for one, found in holding if found == wanted]
    return answer, _keys(whole or [one for one, found in holding if found])


def _marked(facts: Sequence[Fact], answer: str | None) -> list[Fact]:
    """The facts, those marked that carry the answer: all its words, or else some of them."""
    if answer is None:
        return list(facts)
    wanted = terms(answer)
    holding = [_of(fact).holds(wanted) for fact in facts]
    whole = any(found == wanted for found in holding)
    return [
        replace(fact, answers=found == wanted if whole else bool(found))
        for fact, found in zip(facts, holding, strict=True)
    ]


def _keys(shown: Sequence[_Shown]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.key for one in shown))


def _query(said: str | None) -> str | None:
    """A query that is one clean line and names no node."""
    line = " ".join(sanitise((said or "")[: 2 * LONGEST_TEXT]).split())
    return literal(line)[:LONGEST_TEXT].rstrip() or None


def _share(said: float) -> float:
    return min(max(said, 0.0), 1.0) if math.isfinite(said) else 0.0
