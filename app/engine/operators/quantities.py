"""Numbers as intervals of their own precision, with units brought to one measure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from app.engine.reading.words import STOP_WORDS, stem

_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12, "bn": 9, "m": 6}
_SMALL_TEXT = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS_TEXT = "twenty thirty forty fifty sixty seventy eighty ninety"
_SPOKEN = {
    **{word: value for value, word in enumerate(_SMALL_TEXT.split())},
    **{word: 10 * value for value, word in enumerate(_TENS_TEXT.split(), 2)},
    "dozen": 12,
}
_MEASURES = """
length 0.001 mm millimetre millimetres millimeter millimeters
length 0.01 cm centimetre centimetres centimeter centimeters
length 1 m metre metres meter meters
length 1000 km kilometre kilometres kilometer kilometers
length 0.0254 inch inches
length 0.3048 ft foot feet
length 0.9144 yd yard yards
length 1609.344 mi mile miles
length 1852 nmi
area 1 m² m2 sqm
area 10000 ha hectare hectares
area 4046.8564 acre acres
area 1000000 km² km2
mass 0.001 g gram grams
mass 1 kg kilogram kilograms kilogramme kilogrammes
mass 0.45359237 lb lbs pound pounds
mass 1000 t tonne tonnes ton tons
time 1 s second seconds
time 60 min minute minutes
time 3600 h hour hours
time 86400 day days
time 604800 week weeks
time 2629746 month months
time 31556952 year years
speed 1 km/h kph
speed 1.609344 mph
speed 3.6 m/s
speed 1.852 knot knots
share 1 % percent
"""
_CURRENCIES = {"$": "dollar", "£": "pound sterling", "€": "euro", "¥": "yen"}
_SQUARE = frozenset(("square", "sq"))
_PEOPLE = frozenset(
    map(stem, ("people", "person", "inhabitants", "residents", "population", "citizens"))
)
_SPOKEN_WORD = "|".join(sorted(_SPOKEN, key=len, reverse=True))
_NUMBER = re.compile(
    rf"""(?:(?P<sign>[$£€¥])\s?)?(?<![\w.,])(?:
      (?P<digits>\d{{1,3}}(?:[,\u00a0\u202f\u2009]\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)
    | (?P<spoken>\b(?:{_SPOKEN_WORD})(?:[-\ ](?:{_SPOKEN_WORD}))?\b)
    )
    (?:\s?[-\u2013]\s?(?P<end>\d[\d,]*(?:\.\d+)?)(?![\w\u2013-]))?
    (?:[\ -]?(?P<scale>hundred|thousand|million|billion|trillion|bn|m(?=\b))s?\b)?""",
    re.VERBOSE | re.IGNORECASE,
)
_AFTER = re.compile(r"[\s-]?(%|[^\W\d_]+(?:/h|/s|[²2])?)")
_WORD_AFTER = re.compile(r"[\s-]?([^\W\d_]+)")
_NEARLY = re.compile(r"\b(?:nearly|almost|under|less than|fewer than|up to|at most)\s*$", re.I)
_OVER = re.compile(r"\b(?:over|more than|at least|above|exceeding)\s*$", re.I)
_ABOUT = re.compile(
    r"(?:\b(?:about|around|approximately|roughly|some|circa|c\.|ca\.|est\.)|~)\s*$", re.I
)
_REACH = 16  # characters before a number in which such a word may stand
_VAGUE = Decimal("0.1")
"""Share by which a number may miss that is said to be "about", "over" or "nearly"."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """All values that a number may stand for, in the first unit of its dimension.

    Args:
        dimension: "length", "dollar", …; empty for what is counted.
        counted: Stems of the words behind a number without a unit; empty if none follows.
    """

    low: Decimal
    high: Decimal
    dimension: str = ""
    counted: frozenset[str] = frozenset()

    def comparable(self, other: Quantity) -> bool:
        """Whether both measure or count the same; a bare number counts whatever the other does."""
        if self.dimension != other.dimension:
            return not (self.dimension or self.counted) or not (other.dimension or other.counted)
        alike = not self.counted.isdisjoint(other.counted)
        people = not (_PEOPLE.isdisjoint(self.counted) or _PEOPLE.isdisjoint(other.counted))
        return alike or people or not (self.counted and other.counted)

    def below(self, other: Quantity) -> bool:
        """Whether every value of it is less than every value of the other."""
        return self.high < other.low

    @property
    def exact(self) -> bool:
        """Whether it can be one value only."""
        return self.low == self.high


class Quantified(NamedTuple):
    """A quantity that stands at `text[start:end]`, its unit included."""

    start: int
    end: int
    quantity: Quantity


def quantities(text: str) -> list[Quantified]:
    """All quantities of a text, in order."""
    return [found for match in _NUMBER.finditer(text) if (found := _read(text, match)) is not None]


def _read(text: str, match: re.Match[str]) -> Quantified | None:
    if match["digits"]:
        low, step = _decimal(match["digits"])
    else:
        value = _spoken(match["spoken"])
        if value is None:
            return None
        low, step = Decimal(value), Decimal(1)
    high = _decimal(match["end"])[0] if match["end"] else low
    scale = _scale(match)
    if scale:
        # "1.2 million" was rounded at its last digit; a number written out was not.
        low, high = low - step / 2, high + step / 2
    low, high = low.scaleb(scale), high.scaleb(scale)
    low, high = _qualified(low, high, text[max(0, match.start() - _REACH) : match.start()])
    end = match.end("digits") if match["scale"] and not scale and match["digits"] else match.end()
    if match["sign"]:
        return Quantified(match.start(), end, Quantity(low, high, _CURRENCIES[match["sign"]]))
    unit, factor, after = _unit(text, end)
    if unit:
        return Quantified(match.start(), after, Quantity(low * factor, high * factor, unit))
    return Quantified(match.start(), end, Quantity(low, high, "", _counted(text, end)))


def _decimal(digits: str) -> tuple[Decimal, Decimal]:
    """The value and the size of its last digit."""
    value = Decimal(re.sub(r"[^\d.]", "", digits).rstrip("."))
    exponent = value.as_tuple().exponent
    return value, Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)


def _scale(match: re.Match[str]) -> int:
    said = (match["scale"] or "").lower()
    # "5 m" is a length, "$5m" a sum.
    return 0 if said == "m" and not match["sign"] else _SCALES.get(said, 0)


def _spoken(said: str) -> int | None:
    words = re.split(r"[ -]", said.lower())
    first = _SPOKEN[words[0]]
    if len(words) == 1:
        return first
    second = _SPOKEN[words[1]]
    return first + second if first >= 20 and first % 10 == 0 and 0 < second < 10 else None


def _qualified(low: Decimal, high: Decimal, before: str) -> tuple[Decimal, Decimal]:
    if _NEARLY.search(before):
        return low - low * _VAGUE, high
    if _OVER.search(before):
        return low, high + high * _VAGUE
    if _ABOUT.search(before):
        return low - low * _VAGUE, high + high * _VAGUE
    return low, high


def _unit(text: str, place: int) -> tuple[str, Decimal, int]:
    after = _AFTER.match(text, place)
    if after is None:
        return "", Decimal(1), place
    said = after[1].lower()
    if said in _SQUARE:
        of = _AFTER.match(text, after.end() + (text[after.end() : after.end() + 1] == "."))
        unit = _UNITS.get(of[1].lower()) if of else None
        if of is not None and unit is not None and unit[0] == "length":
            return "area", unit[1] * unit[1], of.end()
    if said == "per" and text[after.end() :].lstrip().lower().startswith("cent"):
        return "share", Decimal(1), text.lower().index("cent", after.end()) + len("cent")
    unit = _UNITS.get(said)
    return (*unit, after.end()) if unit else ("", Decimal(1), place)


def _counted(text: str, place: int) -> frozenset[str]:
    """Stems of up to three words behind a number, as far as a noun phrase goes."""
    found: list[str] = []
    while len(found) < 3 and (word := _WORD_AFTER.match(text, place)):
        if word[1].lower() in STOP_WORDS:
            break
        found.append(stem(word[1].lower()))
        place = word.end()
    return frozenset(found)


def _units() -> Iterator[tuple[str, tuple[str, Decimal]]]:
    for line in _MEASURES.strip().splitlines():
        dimension, factor, *names = line.split()
        for name in names:
            yield name, (dimension, Decimal(factor))


_UNITS = MappingProxyType(dict(_units()))
