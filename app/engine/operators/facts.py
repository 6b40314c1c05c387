"""Reads one fact of a thing in passages about it: a date of its life, its country, its work.

Encyclopaedic prose says these in few ways: "(born 3 May 1912)", "is a 1920 film", "was founded in",
"is a Norwegian actor". What is said in another way is left to the general reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.engine.operators.aspects import Aspect
from app.engine.operators.countries import labels
from app.engine.operators.dates import Dated, dates
from app.engine.reading.passage import Passage


class Fact(NamedTuple):
    """`text[start:end]` of a passage's line, and how likely it is what was asked for."""

    passage: int
    line: int
    start: int
    end: int
    probability: float


_SURE, _LIKELY, _FAIR, _WEAK, _HINT = 0.95, 0.85, 0.7, 0.5, 0.3
_OPENING = 2
"""Lines in which a passage says what its subject is."""
_BRACKET = re.compile(r"[(\[][^()\[\]]*(?:\([^()]*\)[^()\[\]]*)*[)\]]")
_DASH = re.compile(r"[\u2013\u2014]|\s-\s|--")
_BORN = re.compile(r"\bborn\b|\bb\.", re.IGNORECASE)
_DIED = re.compile(r"\bdied\b|\bd\.|†", re.IGNORECASE)
_DEATH = re.compile(r"\b(?:died|death|killed|executed|assassinated|murdered|suicide|passed away)\b")
_COPULA = re.compile(
    r"\b(?:is|was|are|were)\b(?: (?:also|formerly|originally|currently|best known as))?"
)
_WORK = re.compile(
    r"\b(?:film|movie|album|song|single|novel|book|play|opera|series|serial|documentary|drama|comedy"
    r"|musical|thriller|western|short|game|ep|extended play|record|anime|sitcom|show|magazine"
    r"|poem|story|sequel|remake|adaptation|picture|cartoon|melodrama|romance|biopic)\b",
    re.IGNORECASE,
)
_RELEASED = re.compile(
    r"\b(?:released|published|premiered?|issued|aired|broadcast|came out|appeared|debuted|shown"
    r"|screened|opened)\b",
    re.IGNORECASE,
)
_STARTED = re.compile(
    r"\b(?:founded|established|formed|created|started|began|begun|opened|built|constructed"
    r"|completed|launched|introduced|inaugurated|incorporated|invented|organi[sz]ed|founding"
    r"|publication|since|commenced|erected|chartered|held)\b",
    re.IGNORECASE,
)
_ENDED = re.compile(
    r"\b(?:ended|closed|dissolved|disbanded|abolished|demolished|ceased|finished|destroyed"
    r"|until|broke up|defunct)\b",
    re.IGNORECASE,
)
_VERB_REACH = 90  # characters between a verb and its date
_BORN_IN = re.compile(r"\b(?:born|native of|raised)\b", re.IGNORECASE)
_LOCATED = re.compile(r"\b(?:in|of|from|at|near|on|within)\b", re.IGNORECASE)
_OCCUPATION_END = re.compile(
    r"[.;(]|\b(?:who|whose|which|that|from|in|of|for|at|on|best|known|noted|active|since|during"
    r"|and (?:the|one|is|was|has|co)|with|born|member)\b"
)


def facts(aspect: Aspect, passages: Sequence[Passage]) -> list[Fact]:
    """What passages about one thing say of the aspect, the likeliest first.

    Of equally likely ones the first stands first.
    """
    read = _READERS.get(aspect)
    if read is None:
        return []
    found = [fact for place, passage in enumerate(passages) for fact in read(place, passage)]
    return sorted(found, key=lambda fact: -fact.probability)


def _birth(place: int, passage: Passage) -> Iterator[Fact]:
    for n, dated, when in _life_dates(passage):
        if when == "first":
            yield Fact(place, n, dated.start, dated.end, _SURE if n < _OPENING else _FAIR)
    for n, dated in _beside(passage, _BORN_IN, before=False):
        yield Fact(place, n, dated.start, dated.end, _LIKELY if n < _OPENING else _FAIR)


def _death(place: int, passage: Passage) -> Iterator[Fact]:
    for n, dated, when in _life_dates(passage):
        if when == "last":
            yield Fact(place, n, dated.start, dated.end, _SURE if n < _OPENING else _FAIR)
    for n, dated in _beside(passage, _DEATH, before=True):
        yield Fact(place, n, dated.start, dated.end, _FAIR)


def _life(place: int, passage: Passage) -> Iterator[Fact]:
    """From the date of birth to the date of death, as one stretch of a line."""
    for n, line in enumerate(passage.lines):
        here = [(dated, when) for m, dated, when in _life_dates(passage) if m == n]
        first = [dated for dated, when in here if when == "first"]
        last = [dated for dated, when in here if when == "last"]
        if first and last and first[0].end <= last[0].start:
            yield Fact(place, n, first[0].start, last[0].end, _SURE)
        elif first and n < _OPENING:
            for later in dates(passage.text[line.start : line.end]):
                start, end = later.start + line.start, later.end + line.start
                between = passage.text[first[0].end : start]
                if start > first[0].end and _DIED.search(between):
                    yield Fact(place, n, first[0].start, end, _LIKELY)


def _life_dates(passage: Passage) -> Iterator[tuple[int, Dated, str]]:
    """Dates in the brackets behind a name: "(3 May 1912 - 1980)", "(born 1912)", "(died 1980)"."""
    for n, line in enumerate(passage.lines[: 2 * _OPENING]):
        for bracket in _BRACKET.finditer(passage.text, line.start, line.end):
            # "(Paris, 3 May 1912; Rome, 1980)"; what stands far behind is no life.
            if bracket.start() - line.start > 160 and not _BORN.search(bracket.group()):
                continue
            inside = [
                Dated(one.start + bracket.start(), one.end + bracket.start(), one.when)
                for one in dates(bracket.group())
            ]
            yield from ((n, *each) for each in _lived(passage.text, bracket, inside))


def _lived(
    text: str, bracket: re.Match[str], inside: Sequence[Dated]
) -> Iterator[tuple[Dated, str]]:
    told = bracket.group()
    if not inside or (_COPULA.search(told) and not _BORN.search(told)):
        return
    for dated in inside:
        before = text[bracket.start() : dated.start]
        if _DIED.search(before):
            yield dated, "last"
            return
        died = _DASH.search(before)
        if died and (dated is not inside[0] or not _BORN.search(before[died.end() :])):
            yield dated, "last"
            return
        if dated is inside[0] and (
            _BORN.search(before)
            or _DASH.search(text[dated.end : bracket.end()])
            or len(inside) == 2
        ):
            yield dated, "first"
        elif len(inside) == 2 and inside[0].when.before(dated.when):
            yield dated, "last"


def _beside(
    passage: Passage, verb: re.Pattern[str], *, before: bool
) -> Iterator[tuple[int, Dated]]:
    """The nearest date behind each such verb, or, where allowed, before it."""
    for n, line in enumerate(passage.lines):
        said = passage.text[line.start : line.end]
        found = dates(said)
        for match in verb.finditer(said):
            after = [d for d in found if 0 <= d.start - match.end() <= _VERB_REACH]
            ahead = [d for d in found if 0 <= match.start() - d.end <= _VERB_REACH]
            near = after[:1] or (ahead[-1:] if before else [])
            for dated in near:
                yield n, Dated(dated.start + line.start, dated.end + line.start, dated.when)


def _release(place: int, passage: Passage) -> Iterator[Fact]:
    for n, line in enumerate(passage.lines[:_OPENING]):
        said = passage.text[line.start : line.end]
        copula = _COPULA.search(said)
        for dated in dates(said):
            start, end = dated.start + line.start, dated.end + line.start
            if copula and 0 <= dated.start - copula.end() <= 40 and _WORK.search(said, dated.end):
                # "is a 1920 silent film": the year stands before the noun, in one phrase.
                phrase = said[copula.end() : dated.start]
                if re.fullmatch(r"\s*(?:an?|the)?\s*(?:[\w-]+\s){0,3}", phrase):
                    yield Fact(place, n, start, end, _SURE)
                    break
    for n, dated in _beside(passage, _RELEASED, before=True):
        yield Fact(place, n, dated.start, dated.end, _LIKELY if n < _OPENING else _FAIR)
    yield from _first_date(place, passage)


def _start(place: int, passage: Passage) -> Iterator[Fact]:
    for n, dated in _beside(passage, _STARTED, before=True):
        yield Fact(place, n, dated.start, dated.end, _LIKELY if n < _OPENING else _FAIR)
    yield from _first_date(place, passage)


def _end(place: int, passage: Passage) -> Iterator[Fact]:
    for n, dated in _beside(passage, _ENDED, before=True):
        yield Fact(place, n, dated.start, dated.end, _FAIR)


def _age(place: int, passage: Passage) -> Iterator[Fact]:
    """Of a person the birth; of anything else when it came to be."""
    born = list(_birth(place, passage))
    if any(fact.probability >= _LIKELY for fact in born):
        yield from born
        return
    found: dict[tuple[int, int], Fact] = {}
    for fact in (*_release(place, passage), *_start(place, passage)):
        key = (fact.start, fact.end)
        if key not in found or found[key].probability < fact.probability:
            found[key] = fact
    yield from found.values()


def _first_date(place: int, passage: Passage) -> Iterator[Fact]:
    for n, line in enumerate(passage.lines[:_OPENING]):
        for dated in dates(passage.text[line.start : line.end])[:1]:
            yield Fact(place, n, dated.start + line.start, dated.end + line.start, _WEAK)


def _country(place: int, passage: Passage) -> Iterator[Fact]:
    """The adjective or the country in what the subject is said to be; then where it was born."""
    born = None
    for n, line in enumerate(passage.lines):
        said = passage.text[line.start : line.end]
        bare = _BRACKET.sub(lambda match: " " * len(match.group()), said)
        copula = _COPULA.search(bare)
        found = labels(bare)
        behind = [label for label in found if copula and label.start >= copula.end()]
        if n < _OPENING and behind:
            first = behind[0]
            end = first.end
            for label in behind[1:]:
                joint = bare[end : label.start]
                # "Greek- American" is two; "Ontario, Canada" says the country last.
                within = not label.adjective and re.fullmatch(r"(?:\s[\w-]+){0,2}\s?,\s", joint)
                if within or re.fullmatch(r"\s?-\s?|\s?,\s(?:and\s)?|\s?and\s|/|\s", joint):
                    end = label.end
                else:
                    break
            before = bare[copula.end() if copula else 0 : first.start]
            sure = first.adjective or not before.split()[1:] or bool(_LOCATED.search(before))
            # What a second line says is often of something else.
            worth = (_SURE if sure else _FAIR) if n == 0 else (_FAIR if sure else _WEAK)
            yield Fact(place, n, first.start + line.start, end + line.start, worth)
        elif n < _OPENING and found and not behind:
            first = found[-1]
            worth = _WEAK if n == 0 else _HINT
            yield Fact(place, n, first.start + line.start, first.end + line.start, worth)
        elif found and born is None:
            match = _BORN_IN.search(said)
            later = [label for label in found if match and label.start > match.start()]
            first = later[-1] if later else found[0]
            worth = _FAIR if later else 0.4
            born = Fact(place, n, first.start + line.start, first.end + line.start, worth)
    if born is not None:
        yield born


def _occupation(place: int, passage: Passage) -> Iterator[Fact]:
    for n, line in enumerate(passage.lines[:1]):
        said = passage.text[line.start : line.end]
        bare = _BRACKET.sub(lambda match: " " * len(match.group()), said)
        copula = re.search(r"\b(?:is|was)\s+(?:an?|the)\s+", bare)
        if copula is None:
            continue
        start = copula.end()
        for label in labels(bare):
            if label.start == start or bare[start : label.start].strip() in (
                "",
                "former",
                "retired",
            ):
                start = label.end
        end = _OCCUPATION_END.search(bare, start)
        stop = end.start() if end else len(bare)
        span = bare[start:stop]
        left = len(span) - len(span.lstrip(" -"))
        told = span.strip(" ,-")
        if told:
            begin = line.start + start + left
            yield Fact(place, n, begin, begin + len(told), _LIKELY)


_READERS = {
    "birth": _birth,
    "death": _death,
    "life": _life,
    "release": _release,
    "start": _start,
    "end": _end,
    "age": _age,
    "country": _country,
    "occupation": _occupation,
}
