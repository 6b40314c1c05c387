"""Writes an answer without a language model: verbatim sentences and rows, nothing of its own.

Pure: it chooses what to quote. Whether a quote still stands in its document is checked afterwards
(`app/engine/cite.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.domain.hit import Hit, Signals
from app.engine.reading.choice import ChoiceOptions, Sentences, choose, score
from app.engine.reading.passage import read
from app.engine.reading.question import Asked, asked
from app.engine.reading.scoring import ShortOptions
from app.engine.reading.short import Short, candidates, certain
from app.engine.reading.support import Support, SupportOptions, judge
from app.engine.steps.conflict import conflict
from app.engine.steps.rows import RowsOptions, Told, tell
from retrievers.types import Chunk, Rows

STEP = "synth"

Reason = Literal["supported", "rows", "nothing found", "not supported", "store unavailable"]


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How much is read, and how it is weighed."""

    passages: int = 8  # read, of the best hits
    cosines: bool = True
    """Whether the vector channel's scores are cosines on MiniLM's scale, which weights assume."""
    certain_rows: float = 0.75  # link confidence from which rows answer before any passage
    usable_rows: float = 0.5  # from which they answer when no passage does
    choice: ChoiceOptions = field(default_factory=ChoiceOptions)
    short: ShortOptions = field(default_factory=ShortOptions)
    support: SupportOptions = field(default_factory=SupportOptions)
    rows: RowsOptions = field(default_factory=RowsOptions)


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence to quote: `chunk.text[start:end]`."""

    chunk: Chunk
    start: int
    end: int
    closed: bool  # ends as a sentence does
    share: float  # probability that it alone answers, among the sentences read


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to cite, and what is said of them."""

    rows: Rows
    told: Told


@dataclass(frozen=True, slots=True)
class Draft:
    """What to answer with; nothing of it where the evidence does not hold an answer."""

    asked: Asked
    reason: Reason
    picks: tuple[Pick, ...] = ()  # in the order in which they are shown
    table: Table | None = None
    short: Short | None = None
    short_pick: Pick | None = None
    """The shown sentence that holds the short answer; None if it stands in another one."""
    support: Support | None = None
    read: int = 0  # passages
    differing: tuple[str, str] | None = None
    """Values of two documents that contradict each other; both sentences are shown then."""


def write(
    question: str,
    hits: Sequence[Hit],
    tables_lost: bool = False,
    options: WriteOptions | None = None,
    signals: Signals | None = None,
) -> Draft:
    """Draft an answer from ranked hits.

    Args:
        hits: Best first.
        tables_lost: A SQL source should have answered and could not: what is to be counted or
            summed is then left open, never guessed from prose.
        signals: What the search knows of its first picks, if it knows it.
    """
    options = options or WriteOptions()
    ask = asked(question)
    certain = _table(hits, options.certain_rows, options)
    if certain:
        return Draft(ask, "rows", table=certain)
    if tables_lost and ask.aggregate:
        return Draft(ask, "store unavailable")
    passages = [hit for hit in hits if hit.chunk is not None][: options.passages]
    draft = _from_passages(ask, passages, options, signals)
    if draft.reason != "supported":
        usable = _table(hits, options.usable_rows, options)
        if usable:
            return Draft(ask, "rows", table=usable, support=draft.support, read=draft.read)
    return draft


def _table(hits: Sequence[Hit], least: float, options: WriteOptions) -> Table | None:
    for hit in hits:
        if hit.rows is not None and hit.evidence.score >= least:
            told = tell(hit.rows, options.rows)
            if told:
                return Table(hit.rows, told)
    return None


def _from_passages(
    ask: Asked, hits: Sequence[Hit], options: WriteOptions, signals: Signals | None
) -> Draft:
    chunks = [hit.chunk for hit in hits if hit.chunk is not None]
    cosines = _cosines(hits) if options.cosines else []
    passages = [read(chunk.title, chunk.text, chunk.context) for chunk in chunks]
    sentences = score(ask, passages, cosines, options.choice)
    if not sentences.places:
        return Draft(ask, "nothing found", read=len(chunks))
    support = judge(ask, sentences, cosines, options.support, signals)
    if not support.enough:
        return Draft(ask, "not supported", support=support, read=len(chunks))
    rows = choose(ask, sentences, options.choice)
    found = candidates(ask, sentences, rows, options.short)
    short = certain(ask, found, options.short)
    against = conflict(ask, sentences, chunks, found)
    if against is not None:
        rows, short = list(dict.fromkeys([*rows, *against.rows])), None
    # Shown as they were ranked and as they stand: a chain reads from its start, and two sentences
    # of one passage in their order.
    rows.sort(key=lambda row: sentences.places[row])
    picks = tuple(_pick(sentences, chunks, row) for row in rows)
    holder = next((pick for pick in picks if short and _holds(pick, chunks, short)), None)
    differing = against.values if against else None
    return Draft(ask, "supported", picks, None, short, holder, support, len(chunks), differing)


def _cosines(hits: Sequence[Hit]) -> list[float | None]:
    return [hit.channels["vector"].score if "vector" in hit.channels else None for hit in hits]


def _pick(sentences: Sentences, chunks: Sequence[Chunk], row: int) -> Pick:
    p, n = sentences.places[row]
    line = sentences.passages[p].lines[n]
    return Pick(chunks[p], line.start, line.end, line.closed, float(sentences.shares[row]))


def _holds(pick: Pick, chunks: Sequence[Chunk], short: Short) -> bool:
    inside = pick.start <= short.start and short.end <= pick.end
    return inside and pick.chunk.key == chunks[short.passage].key
