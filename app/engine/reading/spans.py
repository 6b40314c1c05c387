"""Parts of a sentence that could be a short answer, by what they look like."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

from app.engine.reading.question import Kind
from app.engine.reading.words import STOP_WORDS, content

Look = Literal["date", "number", "name", "quoted"]


class Span(NamedTuple):
    """`text[start:end]`, and what it looks like."""

    start: int
    end: int
    look: Look


MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan\.|Feb\.|Mar\.|Apr\.|Jun\.|Jul\.|Aug\.|Sept?\.|Oct\.|Nov\.|Dec\.)"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATES = re.compile(
    rf"""\b(?:
      {_DAY}\ (?:of\ )?{MONTH}(?:\ ?,?\ (?:of\ )?\d{{3,4}})?
    | {MONTH}\ {_DAY}\b(?:\ ?,\ ?\d{{4}}|\ \d{{4}})?
    | {MONTH}(?:\ of)?\ ?,?\ \d{{4}}
    | (?:early|mid|late)?-?\ ?(?:the\ )?\d{{1,2}}(?:st|nd|rd|th)\ centur(?:y|ies)(?:\ BCE?)?
    | \d{{1,4}}\ (?:BCE?|CE|AD)\b
    | (?:1\d|20)\d\d-\d\d-\d\d
    | (?:1\d|20)\d\d(?:s\b|(?=[^\w%]|$))
    )""",
    re.VERBOSE,
)
_COUNT_WORD = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    r"|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|hundred|thousand|million|billion|dozen|half|twice)"
)
_SCALE = r"(?:\ (?:hundred|thousand|million|billion|trillion)|\ ?%|\ per\ ?cent)"
_NUMBERS = re.compile(
    rf"""(?<![\w.,])(?:
      [$£€¥]\ ?\d[\d,.]*\d{_SCALE}? | [$£€¥]\ ?\d{_SCALE}?
    | \d[\d,]*(?:\.\d+)?{_SCALE}*(?![\w])
    | {_COUNT_WORD}(?:[-\ ]{_COUNT_WORD})*\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_CAPITAL = r"[^\W\d_a-zß-öø-ÿ][\w'’.-]*"
_NAMES = re.compile(
    rf"""(?<![\w'’]){_CAPITAL}
    (?: (?: \ (?:-\ |&\ |'s\ )? | \ ?&\ ? )
        (?: (?:of|the|de|von|van|der|la|le|da|di|du|del|al|ibn|bin|and|for)\ ){{0,2}}
        (?: {_CAPITAL} | \d+\b ) )*""",
    re.VERBOSE,
)
_PLACE_TAIL = re.compile(rf" ?, {_CAPITAL}(?: {_CAPITAL})*")
_QUOTES = re.compile(r"``\s(.{2,80}?)\s?''|[\"“]([^\"“”]{2,80})[\"”]")
_JOINS = re.compile(r" (?:and|of the|of|for|&) (?:the )?")
_EDGES = " ,.;:'\"`’“”()[]"
_PATTERNS = {
    "date": _DATES, "number": _NUMBERS, "person": _NAMES, "place": _NAMES, "name": _NAMES,
}  # fmt: skip


def holds(kind: Kind, text: str, start: int, end: int, known: Collection[str]) -> bool:
    """Whether `text[start:end]` holds something of the asked kind beside the `known` stems."""
    pattern = _PATTERNS.get(kind)
    if pattern is None:
        return False
    for match in pattern.finditer(text, start, end):
        stems = content(match.group())
        if stems and not all(stem in known for stem in stems):
            return True
    return False


def spans(kind: Kind, text: str, start: int, end: int) -> list[Span]:
    """Candidates of the asked kind in the sentence `text[start:end]`, in order.

    Only dates, numbers and names have a look; other kinds have no candidates.
    """
    if kind == "date":
        found = {_trimmed(text, *m.span(), "date") for m in _DATES.finditer(text, start, end)}
    elif kind == "number":
        dates = [match.span() for match in _DATES.finditer(text, start, end)]
        found = {
            _trimmed(text, *match.span(), "number")
            for match in _NUMBERS.finditer(text, start, end)
            if not any(a <= match.start() < b for a, b in dates)
        }
    elif kind in ("person", "place", "name"):
        names = _NAMES.finditer(_without_dates(text, start, end), start, end)
        found = {span for match in names for span in _names(text, *match.span())}
        if kind == "name":
            for match in _QUOTES.finditer(text, start, end):
                found.add(_trimmed(text, *match.span(1 if match.group(1) else 2), "quoted"))
    else:
        return []
    return sorted(span for span in found if span.end > span.start and _says(text, span))


def _says(text: str, span: Span) -> bool:
    """Whether it is more than capitalised stop words ("Does")."""
    return span.look not in ("name", "quoted") or bool(content(text[span.start : span.end]))


def _without_dates(text: str, start: int, end: int) -> str:
    """The text with its dates blotted out, so that "May 1887 Isaura Venn" is no name."""
    for match in list(_DATES.finditer(text, start, end)):
        text = f"{text[: match.start()]}{',' * len(match.group())}{text[match.end() :]}"
    return text


def _trimmed(text: str, start: int, end: int, look: Look) -> Span:
    while end > start and text[end - 1] in _EDGES:
        if text[end - 1] == "." and text[start:end].count(".") > 1:
            break
        end -= 1
    while start < end and text[start] in _EDGES:
        start += 1
    return Span(start, end, look)


def _names(text: str, start: int, end: int) -> Iterator[Span]:
    """A capitalised run; its parts where a particle may join two names; with a place after it."""
    if not text[start].isupper():  # a script without capitals: every word would be a name
        return
    run = text[start:end]
    first = run.split(" ", 1)[0]
    if first.lower() in STOP_WORDS:
        if first == run:
            return
        start += len(first) + 1
        run = text[start:end]
    yield _trimmed(text, start, end, "name")
    place = start
    parts = _JOINS.split(run)
    if len(parts) > 1:
        for part in parts:
            place = text.index(part, place)
            yield _trimmed(text, place, place + len(part), "name")
            place += len(part)
    if following := _PLACE_TAIL.match(text, end):
        yield _trimmed(text, start, following.end(), "name")
