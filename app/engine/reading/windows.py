"""What of a passage or a table a statement may rest on: a sentence, two neighbours, or rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.engine.reading.claims import Evidence, plain, worded
from app.engine.reading.sentences import Sentence, sentences
from app.engine.reading.words import content

_REFERS = re.compile(
    r"\W*(?:he|she|it|they|his|her|its|their|this|these|those|both|there|the)\b", re.IGNORECASE
)
_GOES_ON = re.compile(
    r"\W*(?:(?:\w+\W+){0,2}(?:he|she|it|they|his|her|its|their|this|these|those|both|there)|the)\b",
    re.IGNORECASE,
)
_ANTECEDENTS = 2  # sentences before one that begins with "she" in which her name may stand


@dataclass(frozen=True, slots=True)
class Window:
    """A part that can be quoted, and what may stand around it.

    Args:
        start, end: In the passage's text; 0 for a table, which is cited as a whole.
        closed: Whether it ends as a sentence does.
        width: Sentences.
        stems: Of its own words.
        around: Title and headings of a passage, labels and query of a table: they name what it is
            about.
        before: The sentences in which its pronouns may be explained: names only.
        rows: Of a table of several columns and rows, each row by itself.
    """

    start: int
    end: int
    closed: bool
    width: int
    text: str
    own: Evidence
    stems: frozenset[str]
    around: Evidence
    around_stems: frozenset[str]
    before: Evidence | None = None
    rows: tuple[Evidence, ...] = ()

    @property
    def is_table(self) -> bool:
        """Whether it is rows; no sentence is empty."""
        return self.end == 0


def stems(text: str) -> frozenset[str]:
    """Stems of a text's words without diacritics; numbers are left to be compared as numbers."""
    return frozenset(stem for stem in content(plain(worded(text))) if not stem.isdigit())


def of_passage(title: str, context: str, text: str) -> list[Window]:
    """Each sentence, and each two neighbours of which the second speaks of the first, in order.

    Two others may be about two things, and would together support what neither says.
    """
    cut = sentences(text)
    prose = [sentence for sentence in cut if not sentence.heading] or cut
    told = f"{title}\n{context}"
    about, about_stems = Evidence(told), stems(told)
    made = []
    for place, first in enumerate(prose):
        for last in prose[place : place + 2]:
            if last is not first and not _GOES_ON.match(text, last.start, last.end):
                continue
            part = text[first.start : last.end]
            made.append(
                Window(
                    start=first.start,
                    end=last.end,
                    closed=last.closed,
                    width=1 + (last is not first),
                    text=part,
                    own=Evidence(part),
                    stems=stems(part),
                    around=about,
                    around_stems=about_stems,
                    before=_before(text, prose, place),
                )
            )
    return made


def of_table(labels: Sequence[str], cells: Sequence[Sequence[str]], told: str) -> list[Window]:
    """Each row with its labels, and all rows together.

    Args:
        told: What else says what the table holds: its source, its query.
    """
    lines = [" ; ".join(row) for row in cells]
    around = f"{' ; '.join(labels)}\n{told}"
    about, about_stems = Evidence(around), stems(around)
    parts: list[tuple[str, tuple[Evidence, ...]]] = [(line, ()) for line in lines]
    if len(lines) > 1:
        each = tuple(Evidence(line) for line in lines) if len(labels) > 1 else ()
        parts.append(("\n".join(lines), each))
    return [
        Window(0, 0, True, 1, line, Evidence(line), stems(line), about, about_stems, None, each)
        for line, each in parts
    ]


def _before(text: str, prose: Sequence[Sentence], place: int) -> Evidence | None:
    first = prose[place]
    if not place or not _REFERS.match(text, first.start):
        return None
    return Evidence(text[prose[max(0, place - _ANTECEDENTS)].start : first.start])
