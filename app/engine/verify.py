"""Decides by code whether the passages that a statement cites hold what it says.

Pure. Its numbers, dates, codes and names must stand in the cited sentences, most of its words too,
and neither may deny the other. It cannot see that two names of one sentence changed places.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.domain.hit import Hit
from app.engine.reading.negation import opposed
from app.engine.reading.relations import RELATED
from app.engine.reading.sentences import sentences
from app.engine.reading.told import Question, Told
from app.engine.reading.windows import Window, of_passage, of_table, stems
from app.engine.steps.rows import label, said
from app.engine.steps.write import Pick
from retrievers.types import Chunk, Rows

_ADDRESS = re.compile(r"\w\.[a-z]{2,24}(?::\d+)?/|//|\\\\|(?<!\w)@\w", re.IGNORECASE)
_LIMIT = re.compile(r"\b(?:limit|offset|top)\s+\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """How much of a statement must be found."""

    coverage: float = 0.5
    """Of its words, weighed by their rarity among the sentences of all passages shown."""
    words: float = 0.5
    """The same of its words that are no names, so that names alone do not carry a false verb."""
    second: float = 0.1  # coverage that a second sentence, or a second passage, must add
    longest: int = 1_000  # characters of a statement
    rows: int = 30  # of a table, those the model was shown


@dataclass(frozen=True, slots=True)
class Source:
    """What a statement rests on in the passage of this number."""

    number: int
    origin: Pick | Rows


@dataclass(frozen=True, slots=True)
class Verdict:
    """At least one source in the order of the marks, or why there is none."""

    sources: tuple[Source, ...]
    reason: str = ""


class Verifier:
    """Checks the statements of one answer.

    Args:
        question: Its names may stand in any statement; its numbers may not.
        hits: Passages and rows, numbered from 1 in this order.
    """

    def __init__(
        self, question: str, hits: Sequence[Hit], options: VerifyOptions | None = None
    ) -> None:
        self._hits, self._options = hits, options or VerifyOptions()
        self._question = Question(question)
        self._windows: dict[int, list[Window]] = {}
        self._counts: Counter[str] = Counter()
        self._sentences = 0
        for hit in hits:
            for line in _lines(hit, self._options.rows):
                self._counts.update(stems(line))
                self._sentences += 1

    def check(self, statement: str, marks: Sequence[int]) -> Verdict:
        """Judge one statement, given without its marks.

        A mark whose passage does not support it is left out where another one does.
        """
        known = [number for number in marks if 1 <= number <= len(self._hits)]
        if not marks:
            return Verdict((), "it has no mark")
        if not known:
            return Verdict((), "there is no passage of that number")
        if len(statement) > self._options.longest:
            return Verdict((), "it is too long")
        if _ADDRESS.search(statement):
            return Verdict((), "it holds an address")
        told = Told(statement, self._question)
        best = {number: self._best(told, number) for number in known}
        alone = {
            number: window
            for number, window in best.items()
            if window is not None and not self._fault(told, [window])
        }
        joined = self._together(told, known)
        if not alone and (fault := self._fault(told, list(joined.values()))):
            return Verdict((), fault)
        # One that suffices may leave out a part that another one holds.
        chosen = joined | alone if not self._fault(told, list(joined.values())) else alone
        return Verdict(
            tuple(self._source(told, one, chosen[one]) for one in known if one in chosen)
        )

    def holder(self, statement: str) -> int | None:
        """The first passage that holds a statement by itself, whatever its marks say."""
        numbers = range(1, len(self._hits) + 1)
        return next((one for one in numbers if self.check(statement, [one]).sources), None)

    def _best(self, told: Told, number: int) -> Window | None:
        return max(
            self._of(number),
            key=lambda window: (
                len(told.met(window)),
                round(self._coverage(told, [window]) - self._options.second * window.width, 6),
            ),
            default=None,
        )

    def _together(self, told: Told, numbers: Iterable[int]) -> dict[int, Window]:
        """One window of each passage that adds something."""
        order = list(numbers)
        chosen: dict[int, Window] = {}
        while True:
            have = list(chosen.values())
            met = frozenset[str]().union(*map(told.met, have))
            covered = self._coverage(told, have)
            gains = [
                (
                    len(told.met(window) - met),
                    round(self._coverage(told, [*have, window]) - covered, 6),
                    -window.width,
                    -place,
                    -at,
                )
                for place, number in enumerate(order)
                if number not in chosen
                for at, window in enumerate(self._of(number))
            ]
            claimed, words, _, place, at = max(gains, default=(0, 0.0, 0, 0, 0))
            if not claimed and words < self._options.second:
                return chosen
            chosen[order[-place]] = self._of(order[-place])[-at]

    def _fault(self, told: Told, windows: Sequence[Window]) -> str:
        """What keeps these windows from holding the statement; empty if nothing does."""
        met = frozenset[str]().union(*map(told.met, windows))
        missing = [shown for key, shown in told.claims if key not in met]
        if missing:
            return f"not in what it cites: {', '.join(dict.fromkeys(missing))}"
        if len(told.stems) < 2 and not told.claims:
            return "it says nothing"
        if not windows or self._coverage(told, windows) < self._options.coverage:
            return "too little of it stands in what it cites"
        if self._worded(told, windows) < self._options.words:
            return "it is put in other words than what it cites"
        if any(opposed(told.text, window.text) for window in windows):
            return "what it cites says the opposite"
        return ""

    def _coverage(self, told: Told, windows: Sequence[Window]) -> float:
        """Share of the statement's words in the windows or their names around, by weight."""
        held = frozenset[str]().union(*map(told.held, windows))
        return self._share(told.stems - (told.lent - held), held, 1.0 if told.claims else 0.0)

    def _worded(self, told: Told, windows: Sequence[Window]) -> float:
        """Share of the words that are no names in the windows, as themselves or by a relation."""
        held = frozenset[str]().union(*map(told.words_held, windows))
        related = {one for one in told.plain if not held.isdisjoint(RELATED.get(one, ()))}
        return self._share(told.plain, held | related, 1.0)

    def _share(self, wanted: frozenset[str], held: frozenset[str], of_none: float) -> float:
        total = math.fsum(map(self._weight, wanted))
        return math.fsum(map(self._weight, wanted & held)) / total if total else of_none

    def _weight(self, stem: str) -> float:
        return math.log(1 + self._sentences / (1 + self._counts[stem]))

    def _of(self, number: int) -> list[Window]:
        if number not in self._windows:
            origin = self._hits[number - 1].evidence.origin
            self._windows[number] = (
                of_passage(origin.title, origin.context, origin.text)
                if isinstance(origin, Chunk)
                else of_table(*table(origin, self._options.rows), _asked_of(origin))
            )
        return self._windows[number]

    def _source(self, told: Told, number: int, window: Window) -> Source:
        origin = self._hits[number - 1].evidence.origin
        if isinstance(origin, Rows):
            return Source(number, origin)
        share = self._coverage(told, [window])
        return Source(number, Pick(origin, window.start, window.end, window.closed, share))


def table(rows: Rows, most: int) -> tuple[list[str], list[list[str]]]:
    """The labels and the first rows of a table in words, nulls as "none"."""
    cells = [[said(cell) for cell in row] for row in rows.rows[:most]]
    return [label(column) for column in rows.columns], cells


def _asked_of(rows: Rows) -> str:
    return f"{rows.source}\n{_LIMIT.sub('', rows.statement)}"


def _lines(hit: Hit, most: int) -> list[str]:
    if hit.rows is not None:
        return [" ; ".join(row) for row in table(hit.rows, most)[1]]
    text = hit.chunk.text if hit.chunk else ""
    return [text[sentence.start : sentence.end] for sentence in sentences(text)]
