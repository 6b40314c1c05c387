"""Cuts a text that cites by marks like [2] into statements while it is still being written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from app.engine.reading.sentences import sentences

_LONGEST_MARK = 30  # characters
_MOST_MARKS = 8  # of one statement, and of one range
_MARK = r"[\[【]\^?\s{0,2}\d{1,3}(?:\s{0,2}[,;–-]\s{0,2}\d{1,3}){0,5}\s{0,2}[\]】]"
_MARKS = re.compile(rf"\s*({_MARK})")
_OPEN_MARK = re.compile(rf"[\[【][^\[\]【】\n]{{0,{_LONGEST_MARK}}}$")
_BACK = 200  # characters before a full stop that may show an abbreviation
_PART = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")
_STOP = re.compile(
    r"""
      # Not the sign of an image, "![alt]".
      [.!?…]+ (?:[ ]?["'”’»)\]*_]+)? (?=\s|$|[\[【]\^?\s{0,2}(?:\d|$))
    | [。！？｡؟۔।॥]+ ["'”’」』）*_]*
    | \n
    """,
    re.VERBOSE,
)
_TAIL = re.compile(rf"(?:[ \t]*{_MARK}[.,;]?)*")
_ONLY_MARKS = re.compile(rf"(?:\s*{_MARK})*\s*")
_ALONE = re.compile(rf"\s*\n\s*({_MARK}(?:\s*{_MARK})*)[ \t]*(?=\n|$)")
_LEADING = re.compile(rf"\s*{_MARK}")
_LIST = re.compile(r"\s*(?:[-*+•–]|\d{1,2}[.)])\s+|\s*\#{1,6}\s+|\s*>\s*")
_LETTER = re.compile(r"[^\W_]")


class Marked(NamedTuple):
    """One statement without its marks, and the distinct numbers of these in order."""

    text: str
    marks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    end: int  # of the statement's words
    marks_end: int  # of the marks after it, which are its own


class Cutter:
    """Takes a text in pieces and gives the statements that are certainly complete.

    A statement ends at a full stop or a line's end; marks before or after that belong to it. How
    the text is cut into pieces makes no difference.
    """

    def __init__(self) -> None:
        self._rest = ""
        self._opens_line = True
        self._passed = 0  # before here no full stop ends a statement, whatever follows

    def feed(self, piece: str) -> list[Marked]:
        """The statements that end in this piece."""
        self._rest += piece
        return self._taken(ended=False)

    def end(self, *, whole: bool = True) -> list[Marked]:
        """What is left at the end of the text.

        Args:
            whole: Whether the text is; otherwise a statement without its full stop is left out.
        """
        found = self._taken(ended=True)
        if whole:
            found += self._statement(self._rest)
        self._rest = ""
        return found

    def _taken(self, ended: bool) -> list[Marked]:
        found: list[Marked] = []
        while (piece := self._piece(ended)) is not None:
            said = self._statement(self._rest[: piece.end], self._rest[piece.end : piece.marks_end])
            line = self._rest[piece.end - 1 : piece.end] == "\n"
            self._rest, self._passed = self._rest[piece.marks_end :], 0
            # An unfinished line's opening may be a list's mark; the middle of a line is not.
            self._opens_line = line or self._rest.lstrip(" \t")[:1] == "\n"
            found += said
        return found

    def _piece(self, ended: bool) -> _Piece | None:
        """The first statement of the rest, if nothing that follows can change it."""
        text = self._rest
        begin = self._opening(text)
        leads = _LEADING.match(text, begin) is not None
        # Stops before it end an empty line, or one of marks, which what follows is cited by.
        letter = _LETTER.search(text, _marks_end(text, begin))
        if letter is None:
            return None
        for stop in _STOP.finditer(text, max(self._passed, letter.start())):
            line = stop.group() == "\n"
            after = stop.end()
            if not line and not leads:
                tail = _TAIL.match(text, after)
                after = tail.end() if tail else after
            coming = text[_marks_end(text, after) :]
            if not ended and (not coming or _OPEN_MARK.match(coming[: 2 * _LONGEST_MARK])):
                return None
            if not line and not self._ends(text[begin : stop.end()], text[after:].lstrip()[:1]):
                self._passed = stop.end()
                continue
            if not _MARKS.search(text, begin, after):
                alone = _ALONE.match(text, stop.start() if line else after)
                after = alone.end() if alone else after
            return _Piece(stop.end(), after)
        return None

    def _opening(self, text: str) -> int:
        mark = _LIST.match(text) if self._opens_line else None
        return mark.end() if mark else 0

    @staticmethod
    def _ends(head: str, coming: str) -> bool:
        """Whether the full stop at the end of `head` ends a sentence, with what comes after it."""
        if not coming:
            return True
        head = " ".join(_MARKS.sub("", head[-_BACK:]).split())
        after = coming if coming.isalnum() else "X" if coming in "[【" else f"{coming}X"
        return any(sentence.start > len(head) for sentence in sentences(f"{head} {after}"))

    def _statement(self, raw: str, tail: str = "") -> list[Marked]:
        raw = raw[self._opening(raw) :]
        text = " ".join(_MARKS.sub("", raw).split())
        if not _LETTER.search(text):
            return []
        return [Marked(text, numbers(_MARKS.findall(raw + tail)))]


def _marks_end(text: str, start: int) -> int:
    """Where marks and white space from here on end."""
    found = _ONLY_MARKS.match(text, start)
    return found.end() if found else start


def numbers(marks: list[str]) -> tuple[int, ...]:
    """The distinct numbers of marks in order: "[1]", "[2, 3]", "[4-6]"."""
    found: dict[int, None] = {}
    for mark in marks:
        for part in _PART.finditer(mark):
            first = int(part[1])
            last = min(int(part[2] or first), first + _MOST_MARKS)
            found.update(dict.fromkeys(range(first, last + 1)))
    return tuple(found)[:_MOST_MARKS]


def cut(text: str) -> list[Marked]:
    """The statements of a whole text."""
    cutter = Cutter()
    return [*cutter.feed(text), *cutter.end()]
