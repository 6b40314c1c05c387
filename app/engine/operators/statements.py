"""Values in sentences of fixed form: "(born 3 May 1912)", "a 1920 film", "located in Norland"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from app.engine.operators import dates
from app.engine.operators.countries import ADJECTIVES, COUNTRIES, countries, is_country
from app.engine.operators.dates import Date

Relation = Literal[
    "birth",
    "death",
    "life",
    "release",
    "founding",
    "country",
    "birthplace",
    "place",
    "occupation",
    "extent",
    "population",
]


class Stated(NamedTuple):
    """`text[start:end]` is a value of the relation; how surely the form says so."""

    start: int
    end: int
    strength: float


_OPENING = 500
"""Characters in which a passage says what its title is."""
_BRACKET = re.compile(r"\(((?:[^()]|\([^()]*\))*)\)")
_DASH = re.compile(r"\s[-\u2013\u2014]\s?|[\u2013\u2014]|(?<=\d)\s?-\s?(?=\D|\d{4})|\bto\b")
_BROKEN = re.compile(r"\d{5}")  # two dates run together
_BORN = re.compile(r"\bborn\b(?! as\b)")
_DIED = re.compile(r"\b(?:died|death|killed|passed away|assassinated|executed|d\.)(?=\W)")
_WORKS = (
    r"film|movie|album|song|single|novel|book|series|drama|comedy|documentary|play|opera|game|EP"
    r"|serial|western|thriller|musical|short|magazine|record|soundtrack|anthology|collection|ballet"
)
_WORK = re.compile(
    rf"\b(?:is|was|are)\s+(?:(?:an?|the|one of the)\s+)?(?:[\w'\u2019-]+[\s,]+){{0,5}}?"
    rf"(?P<year>1[5-9]\d\d|20\d\d)\b(?=[^.]{{0,90}}\b(?:{_WORKS})s?\b)",
    re.IGNORECASE,
)
_YEAR_BEHIND = re.compile(r"\(\s?(?P<year>1[5-9]\d\d|20\d\d)\s?\)\s+(?:is|was)\b")
_RELEASED = re.compile(
    r"\b(?:released|premiered|published|issued|broadcast|aired|premiere|release date|publication)\b"
)
_FOUNDED = re.compile(
    r"\b(?:founded|established|formed|opened|built|created|launched|incorporated|started|began"
    r"|completed|constructed|inaugurated|organi[sz]ed|erected|introduced)\b"
)
_IS_A = re.compile(r"\b(?:is|was|are|were)\s+(?:(?:an?|the|one of the|both)\s+)?(?!born|located)")
_PLACE_NAME = r"(?:[A-Z]\.(?:[A-Z]\.)?|(?:St|Mt|Ft)\.|[^\W\d_a-z][\w'\u2019-]*)"
_ADDRESS = (
    rf"(?:the\s+)?{_PLACE_NAME}(?:\s+(?:(?:of|de|la|and|the|upon|am)\s+)?{_PLACE_NAME})*"
    rf"(?:\s?,\s*{_PLACE_NAME}(?:\s+(?:of\s+)?{_PLACE_NAME})*)*"
)
_BORN_IN = re.compile(
    rf"\bborn\b[^.;()]{{0,60}}?\b(?:in|at)\s+(?P<place>(?-i:{_ADDRESS}))|"
    rf"\(\s?(?:[^()]*?\d{{4}},?\s+)(?:in\s+)?(?P<place2>{_ADDRESS})\s*[\u2013\u2014-]"
)
_LOCATED = re.compile(
    rf"\b(?:located|situated|lies|based|headquartered|found|set|lying|headquarters)\b"
    rf"[^.;]{{0,80}}?\b(?:in|on|at)\s+(?P<place>{_ADDRESS})"
)
_IN_PLACE = re.compile(
    rf"\b(?:is|was)\s+(?:an?|the|one of)\s[^.;]{{3,160}}?\b(?:in|of)\s+(?P<place>{_ADDRESS})"
)
_CAPITALS = re.compile(rf"({_PLACE_NAME})(?:\s+{_PLACE_NAME})*")
_LAST_IN = re.compile(rf"(?:\s[a-z]+){{0,3}}\s?,?\s(?:in|of)\s+(?P<place>{_ADDRESS})")
_EXTENT = re.compile(
    r"\b(?:elevation|height|length|altitude|depth|summit|high(?:est)?|tall(?:est)?|long(?:est)?|rises|stands|reaches|peak"
    r"|mountain|river|bridge|tower|building)\b[^.;]{0,120}?"
    r"(?P<number>\d[\d,]*(?:\.\d+)?[\s-]?(?:m|km|ft|mi|met(?:re|er)s?|kilomet(?:re|er)s?|feet"
    r"|foot|miles?)\b)"
)
_POPULATION = re.compile(
    r"\b(?:population|inhabitants)\b[^.;]{0,60}?\b(?P<number>\d{1,3}(?:,\d{3})+|\d{3,}|"
    r"\d+(?:\.\d+)?\s(?:million|billion))\b(?!\s?census)"
)
_OCCUPATION_END = re.compile(
    r"\s(?:who|that|which|known|for|from|in|of|best|whose|active|born)\b|[.;(]"
)


def stated(relation: Relation, text: str) -> Iterator[Stated]:
    """Values of the relation that a passage states of its title, in no certain order."""
    if relation in ("birth", "death", "life"):
        yield from _lives(relation, text)
    elif relation == "release":
        yield from _released(text)
    elif relation == "founding":
        yield from _behind(_FOUNDED, text, 0.8)
    elif relation == "country":
        yield from _nationality(text)
        yield from _country_of_place(text)
    elif relation == "birthplace":
        yield from _birthplace(text)
    elif relation == "place":
        for pattern, strength in ((_LOCATED, 0.8), (_IN_PLACE, 0.7)):
            if match := pattern.search(text, 0, _OPENING):
                yield Stated(*match.span("place"), strength)
    elif relation == "occupation":
        yield from _occupation(text)
    else:
        pattern = _EXTENT if relation == "extent" else _POPULATION
        if match := pattern.search(text):
            yield Stated(*match.span("number"), 0.8)


def _lives(relation: Relation, text: str) -> Iterator[Stated]:
    bracket = _life_bracket(text)
    if bracket is not None:
        births, deaths, whole = bracket
        if relation == "birth" and births:
            yield Stated(births[0].start, births[-1].stop, 0.95)
        if relation == "death" and deaths:
            yield Stated(deaths[0].start, deaths[-1].stop, 0.95)
        if relation == "life" and births and deaths:
            yield Stated(*whole, 0.95)
        return
    if relation == "birth":
        yield from _behind(_BORN, text, 0.85)
    elif relation == "death":
        yield from _behind(_DIED, text, 0.8)


def _life_bracket(text: str) -> tuple[list[Date], list[Date], tuple[int, int]] | None:
    """Dates of birth and death in the first brackets that hold either."""
    for match in _BRACKET.finditer(text, 0, _OPENING):
        start, end = match.span(1)
        found = dates.every(text, start, end)
        if not found or _BROKEN.search(text, start, end):
            continue
        whole = (found[0].start, found[-1].stop)
        if death := _DIED.search(text, start, end):
            return _parted(found, death.start(), whole)
        for dash in _DASH.finditer(text, start, end):
            births, deaths, _ = _parted(found, dash.start(), whole)
            if births and deaths:
                return births, deaths, whole
        if len(found) == 2 and not text[found[0].stop : found[1].start].strip():
            return found[:1], found[1:], whole  # a lost dash
        # "(1912)" alone may be the year of a film.
        if _BORN.search(text, start, end) or re.search(r"\bb\.", text[start:end]):
            return found[:1], [], whole
    return None


def _parted(
    found: list[Date], place: int, whole: tuple[int, int]
) -> tuple[list[Date], list[Date], tuple[int, int]]:
    before = [one for one in found if one.start < place]
    return before, [one for one in found if one.start >= place], whole


def _behind(pattern: re.Pattern[str], text: str, strength: float) -> Iterator[Stated]:
    """The first date behind each such word, in the same sentence and not far."""
    for match in pattern.finditer(text):
        stop = min(len(text), match.end() + 90)
        for one in dates.every(text, match.end(), stop)[:1]:
            between = text[match.end() : one.start]
            if re.search(r"\.\s+[A-Z]|;|\)", between):
                break
            near = re.fullmatch(r"\W*(?:on|in|since|around|by)?\W*", between)
            yield Stated(one.start, one.stop, strength if near else strength - 0.1)


def _released(text: str) -> Iterator[Stated]:
    for pattern in (_WORK, _YEAR_BEHIND):
        if match := pattern.search(text, 0, _OPENING):
            yield Stated(*match.span("year"), 0.9)
            break
    yield from _behind(_RELEASED, text, 0.8)


def _nationality(text: str) -> Iterator[Stated]:
    """The adjectives in the noun phrase behind the first "is a", as one span."""
    match = _IS_A.search(_without_brackets(text[:_OPENING]))
    if match is None:
        return
    end = min(len(text), match.end() + 90)
    words = list(re.finditer(r"[^\W_]+", text[match.end() : end]))
    first = last = None
    for place, word in enumerate(words):
        pair = " ".join(w.group().lower() for w in words[place : place + 2])
        two = " " in pair and pair in COUNTRIES
        known = two or word.group().lower() in COUNTRIES
        if known and word.group()[0].isupper():
            stop = words[place + two].end()
            gap = text[match.end() + last : match.end() + word.start()] if last else ""
            if last is not None and not re.fullmatch(
                r"\s?-\s?(?:born\s)?|\s(?:(?:and|/)\s)?|,\s?|", gap
            ):
                break
            first = word.start() if first is None else first
            last = stop if last is None else max(last, stop)
        elif last is None and re.match(
            r"(?:who|that|directed|by|about|for|from|in)\b", word.group()
        ):
            break
    if first is not None and last is not None:
        yield Stated(match.end() + first, match.end() + last, 0.9)


def _country_of_place(text: str) -> Iterator[Stated]:
    """The last part of an address of the opening: "in the X district of Norland".

    A part that is known as a country's is preferred; else the only country the opening names.
    """
    unknown: list[Stated] = []
    for pattern, strength in ((_LOCATED, 0.75), (_IN_PLACE, 0.75), (_BORN_IN, 0.65)):
        for match in pattern.finditer(text, 0, _OPENING):
            start, end = _spot(match)
            while following := _LAST_IN.match(text, end):
                start, end = following.span("place")
            start = text.rfind(",", start, end) + 1 or start
            start = end - len(text[start:end].lstrip())
            if is_country(text[start:end]):
                yield Stated(start, end, strength)
                return
            if not countries(text[start:end]):  # "the Iraq War" is none
                unknown.append(Stated(start, end, min(strength, 0.7)))
    named = [
        match.span(name)
        for match in _CAPITALS.finditer(text, 0, _OPENING)
        for name, known in ((0, is_country(match[0])), (1, match[1].lower() in ADJECTIVES))
        if known
    ]
    if named and len({countries(text[start:end]) for start, end in named}) == 1:
        yield Stated(*named[0], 0.62)
    else:
        yield from unknown[:1]


def _spot(match: re.Match[str]) -> tuple[int, int]:
    """Where the place stands, in whichever branch of the pattern matched."""
    return next(match.span(name) for name, said in match.groupdict().items() if said)


def _birthplace(text: str) -> Iterator[Stated]:
    if match := _BORN_IN.search(text):
        yield Stated(*_spot(match), 0.85)


def _occupation(text: str) -> Iterator[Stated]:
    match = _IS_A.search(_without_brackets(text[:_OPENING]))
    if match is None:
        return
    start = match.end()
    for adjective in _nationality(text):
        start = adjective.end + len(text[adjective.end :]) - len(text[adjective.end :].lstrip())
    end = _OCCUPATION_END.search(text, start)
    stop = end.start() if end else min(len(text), start + 80)
    if stop > start:
        yield Stated(start, stop, 0.7)


def _without_brackets(text: str) -> str:
    """The text with brackets blotted out, character by character."""
    return _BRACKET.sub(lambda match: " " * len(match.group()), text)
