"""Cuts a text into sentences without losing a character's place."""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_SENTENCE = 600
"""Characters; a longer run (a table without full stops, a page without punctuation) is cut."""
_WRAPPED_LINE = 40
"""A line at least this long may go on in the next one; a shorter one is a unit of its own."""

_BREAK = re.compile(
    r"""
      [.!?…]+ (?:[ ]?(?:''|["'”’»)\]])+)? (?=\s|$)   # a full stop, its closing quotes, then space
    | [。！？｡]+ [”’」』）]*                 # the scripts that need no space
    | [؟۔।॥]+
    | \n
    """,
    re.VERBOSE,
)
_ABBREVIATION = re.compile(
    r"""(?: \b(?: mr|mrs|ms|dr|st|jr|sr|vs|inc|ltd|co|corp|prof|gen|col|capt|lt|sgt|rev|hon|fig
        | vol|pp|ed|eds|cf|ca|approx|dept|univ|assn|bros|mt|ft|lit|trans|al|e\.g|i\.e|etc|viz|esp
        | jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec ) | \b[A-Z] | \b[A-Z]\s?\.\s?[A-Z] ) $""",
    re.VERBOSE | re.IGNORECASE,
)
_INITIAL = re.compile(r"(?:^|[\s.(])[A-Z]$")
_NUMERO = re.compile(r"\b[Nn]o$")
_STRUCTURE = re.compile(
    r"[ \t]*(?:[-*+•–][ \t]|\d{1,3}[.)][ \t]|\#{1,6}[ \t]|\||>|```|~~~|={3}|-{3})"
)
_OPENING = re.compile(r"[\s>]*(?:[-*+•–][ \t]+|\d{1,3}[.)][ \t]+|\#{1,6}[ \t]+|\|[ \t]*)?\s*")
_LETTER = re.compile(r"[^\W_]")
_LONGEST_HEADING = 100
_BLANK = re.compile(r"\n[ \t]*\n$")
_UNDER = re.compile(r"[ \t]*\n(?:[=-]{3,}[ \t]*\n|[ \t]*\n)\s*")  # a rule or a blank line below
_HEADING = re.compile(r"[\s>]*\#{1,6}[ \t]")


class Sentence(NamedTuple):
    """`text[start:end]`, without white space or list marks around it."""

    start: int
    end: int
    closed: bool  # ends as sentences do; a heading, a cell or a cut-off rest does not
    heading: bool  # a line above a paragraph: it names what follows and says nothing itself


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text in order; they do not overlap, and only marks lie between them."""
    found: list[Sentence] = []
    begin = 0
    for match in _BREAK.finditer(text):
        if match.group() == "\n":
            if _goes_on(text, begin, match.start(), match.end()):
                continue
            _take(text, begin, match.start(), found)
        elif _ends(text, match.start(), match.end()):
            _take(text, begin, match.end(), found)
        else:
            continue
        begin = match.end()
    _take(text, begin, len(text), found)
    return found


def _ends(text: str, dot: int, after: int) -> bool:
    """Whether the full stop at `dot` ends a sentence rather than an abbreviation."""
    following = text[after : after + 40].lstrip()
    if following[:1].islower():
        return False
    if text[dot] != "." or (after - dot > 1 and text[dot + 1] == "."):
        return True
    before = text[max(0, dot - 14) : dot].rstrip(" ")
    if _NUMERO.search(before):
        return not following[:1].isdigit()
    return not (_ABBREVIATION.search(before) or _INITIAL.search(before))


def _goes_on(text: str, begin: int, end: int, after: int) -> bool:
    """Whether the sentence of the line that ends at `end` may go on in the next line."""
    line = text[max(begin, text.rfind("\n", begin, end) + 1) : end].strip()
    if len(line) < _WRAPPED_LINE or _HEADING.match(line):
        return False
    stop = text.find("\n", after)
    following = text[after : len(text) if stop < 0 else stop]
    return bool(following.strip()) and not _STRUCTURE.match(following)


def _take(text: str, begin: int, end: int, found: list[Sentence]) -> None:
    opening = _OPENING.match(text, begin, end)
    begin = opening.end() if opening else begin
    while end > begin and (text[end - 1].isspace() or text[end - 1] == "|"):
        end -= 1
    while end - begin > LONGEST_SENTENCE:
        cut = _cut(text, begin)
        found.append(Sentence(begin, cut, closed=False, heading=False))
        begin = cut
        while begin < end and text[begin].isspace():
            begin += 1
    if _LETTER.search(text, begin, end):
        closed = _closed(text, end)
        found.append(Sentence(begin, end, closed, not closed and _is_heading(text, begin, end)))


def _cut(text: str, begin: int) -> int:
    limit = begin + LONGEST_SENTENCE
    for mark in ("; ", ", ", " "):
        place = text.rfind(mark, begin + LONGEST_SENTENCE // 2, limit)
        if place > 0:
            return place + len(mark.rstrip())
    return limit


def _is_heading(text: str, begin: int, end: int) -> bool:
    """Whether a line without a full stop stands above prose or a list, and is short enough."""
    line = text.rfind("\n", 0, begin) + 1
    if end - begin > _LONGEST_HEADING or "\n" in text[begin:end]:
        return False
    if _HEADING.match(text, line):
        return True
    before, after = _BLANK.search(text[max(0, line - 9) : line]), _UNDER.match(text, end)
    if text[line:begin].strip() or after is None or not (line == 0 or before):
        return False
    stop = text.find("\n", after.end())
    following = text[after.end() : len(text) if stop < 0 else stop]
    return bool(_BREAK.search(following) or _STRUCTURE.match(following))


def _closed(text: str, end: int) -> bool:
    return text[max(0, end - 3) : end].rstrip("\"'”’»)]」』） ")[-1:] in tuple(".!?…。！？｡؟۔।॥:;")
