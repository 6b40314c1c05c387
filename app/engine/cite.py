"""From drafted statements to an answer's text and its verified citations.

Every quote is read back from the store before the answer leaves: a document that changed or went
meanwhile costs its sentence, never a false citation.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.answer import Citation
from app.domain.errors import NotFound
from app.engine.reading.sentences import sentences
from app.engine.sanitise import sanitise
from app.engine.steps.write import Pick
from retrievers.types import CollectionId, Rows

_WORD = re.compile(r"[^\W_]")


class Passages(Protocol):
    """The stored text as it is now."""

    async def slice(self, collection: CollectionId, document_id: str, start: int, end: int) -> str:
        """`text[start:end]` of the live version, in code points; `NotFound` without one."""
        ...


@dataclass(frozen=True, slots=True)
class CiteOptions:
    """Limits of one citation."""

    margin: int = 400
    """Characters beyond a chunk in which the rest of a cut sentence is looked for."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A verbatim slice of a stored document, read from the store a moment ago."""

    document_id: str
    chunk_id: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of the answer and what it rests on."""

    text: str
    sources: tuple[Quote | Rows, ...]  # at least one


async def quoted(
    picks: Sequence[Pick],
    passages: Passages,
    collection: CollectionId,
    options: CiteOptions | None = None,
) -> list[Quote | None]:
    """Read each picked sentence back; None where it no longer stands as it was found.

    A sentence that its chunk cuts off is completed from the document around it.
    """
    limits = options or CiteOptions()
    return list(
        await asyncio.gather(*(_read_back(pick, passages, collection, limits) for pick in picks))
    )


async def _read_back(
    pick: Pick, passages: Passages, collection: CollectionId, options: CiteOptions
) -> Quote | None:
    chunk, expected = pick.chunk, pick.chunk.text[pick.start : pick.end]
    start, end = chunk.start + pick.start, chunk.start + pick.end
    opens = chunk.start > 0 and not chunk.text[: pick.start].strip()
    closes = not pick.closed and not chunk.text[pick.end :].strip()
    low = max(0, start - options.margin) if opens else start
    high = end + options.margin if closes else end
    try:
        window = await passages.slice(collection, chunk.document_id, low, high)
    except NotFound:
        return None
    if window[start - low : end - low] != expected:
        return None
    if opens or closes:
        a, b = _completed(window, start - low, end - low, low > 0, len(window) == high - low)
        start, end = low + (a if opens else start - low), low + (b if closes else end - low)
    return Quote(chunk.document_id, chunk.key, start, end, window[start - low : end - low])


def _completed(
    window: str, start: int, end: int, more_before: bool, more_after: bool
) -> tuple[int, int]:
    """The sentence of the window that holds `start:end`, unless the window cuts that too."""
    for sentence in sentences(window):
        if sentence.start <= start and end <= sentence.end:
            cut_before = more_before and sentence.start == 0
            cut_after = more_after and sentence.end == len(window)
            return start if cut_before else sentence.start, end if cut_after else sentence.end
    return start, end


def statements(quotes: Sequence[Quote | None]) -> list[Statement]:
    """One statement per distinct quote, in order; a quote of which nothing may be said has none."""
    made: dict[tuple[str, int, int], Statement] = {}
    for quote in quotes:
        if quote is None:
            continue
        text = sanitise(quote.text)
        if _WORD.search(text):
            made.setdefault((quote.document_id, quote.start, quote.end), Statement(text, (quote,)))
    return list(made.values())


def render(told: Sequence[Statement]) -> tuple[str, tuple[Citation, ...]]:
    """The answer's text, each statement followed by its mark, and the citations in order.

    `answer[start:end]` is the statement without its mark. Lists stand on lines of their own.
    """
    answer = ""
    citations: list[Citation] = []
    for statement in told:
        text, found = rendered(statement, answer, len(citations) + 1)
        answer += text
        citations += found
    return answer, tuple(citations)


def rendered(statement: Statement, before: str, number: int) -> tuple[str, list[Citation]]:
    """What a statement adds to an answer, and its citations, one mark for each source.

    Args:
        before: The answer's text so far.
        number: Of the first mark.
    """
    gap = ""
    if before:
        gap = "\n" if "\n" in before or "\n" in statement.text else " "
    start = len(before) + len(gap)
    end = start + len(statement.text)
    marks = [f"[{place}]" for place, _ in enumerate(statement.sources, number)]
    citations = [
        _citation(mark, start, end, source)
        for mark, source in zip(marks, statement.sources, strict=True)
    ]
    return f"{gap}{statement.text} {''.join(marks)}", citations


def _citation(mark: str, start: int, end: int, source: Quote | Rows) -> Citation:
    if isinstance(source, Rows):
        return Citation(mark, start, end, None, None, None, None, None, source)
    return Citation(
        mark,
        start,
        end,
        source.document_id,
        source.chunk_id,
        source.start,
        source.end,
        source.text,
    )
