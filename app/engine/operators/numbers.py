"""Numbers with their scale words and units, brought to one unit of their dimension."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise

_ONES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: value for value, word in enumerate(_ONES.split())} | {
    word: 10 * tens for tens, word in enumerate(_TENS.split(), start=2)
}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_UNITS: dict[str, tuple[str, float]] = {
    name: (dimension, factor)
    for dimension, factor, names in (
        ("length", 1e-3, "mm millimetre millimeter"),
        ("length", 1e-2, "cm centimetre centimeter"),
        ("length", 1.0, "m metre meter"),
        ("length", 1e3, "km kilometre kilometer"),
        ("length", 0.0254, "in inch inches"),
        ("length", 0.3048, "ft foot feet"),
        ("length", 0.9144, "yd yard"),
        ("length", 1609.344, "mi mile"),
        ("area", 1.0, "m2 m² sqm"),
        ("area", 1e4, "ha hectare"),
        ("area", 4046.86, "acre"),
        ("area", 1e6, "km2 km²"),
        ("mass", 1e-3, "g gram"),
        ("mass", 1.0, "kg kilogram"),
        ("mass", 0.45359, "lb lbs pound"),
        ("mass", 1e3, "t tonne"),
        ("time", 1.0, "s sec second"),
        ("time", 60.0, "min minute"),
        ("time", 3600.0, "h hr hour"),
        ("time", 86400.0, "day"),
        ("time", 604800.0, "week"),
        ("time", 2629800.0, "month"),
        ("time", 31557600.0, "yr year"),
        ("share", 1.0, "% percent"),
        ("dollars", 1.0, "$ dollar"),
        ("pounds", 1.0, "£"),
        ("euros", 1.0, "€ euro"),
        ("yen", 1.0, "¥ yen"),
    )
    for name in names.split()
}
_SQUARES = {
    "metre": 1.0,
    "meter": 1.0,
    "m": 1.0,
    "kilometre": 1e6,
    "kilometer": 1e6,
    "km": 1e6,
    "mile": 2589988.0,
    "mi": 2589988.0,
    "foot": 0.0929,
    "feet": 0.0929,
    "ft": 0.0929,
}
_SPELLED = "|".join(sorted([*_SMALL, *_SCALES], key=len, reverse=True))
_NUMBER = re.compile(
    rf"""(?P<sign>[$£€¥]\s?)?
    (?P<number>(?<![\w.])[-\u2212]?\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|(?<![\w.,])[-\u2212]?\d+(?:\.\d+)?
      |\b(?:{_SPELLED})(?:[-\s]+(?:and\s+)?(?:{_SPELLED}))*\b)
    (?P<scale>(?:\s*(?:hundred|thousand|million|billion|trillion)\b)*)
    (?:[\s-]*(?P<square>(?:square|sq\.?)\s+)?(?P<unit>%|per\ ?cent\b|[^\W\d_]+[²2]?))?""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """A value in the base unit of its dimension; a plain count has the dimension ""."""

    value: float
    dimension: str
    unit: str  # as written, "" for a count
    factor: float  # of the base unit in one such unit


def number(text: str) -> Number | None:
    """The only number of a text, or its only one with a unit; parts as in "5 ft 11 in" add up.

    None where there is no number, or two numbers exclude each other.
    """
    found = [_read(match) for match in _NUMBER.finditer(text)]
    measured = [one for one in found if one.dimension]
    left = measured or found
    if not left or not all(math.isfinite(one.value) for one in left):
        return None
    first = left[0]
    if len(left) == 1 or all(one == first for one in left):
        return first
    dimensions = {one.dimension for one in left}
    falling = all(a.factor > b.factor for a, b in pairwise(left))
    if len(dimensions) == 1 and falling and first.dimension and "(" not in text:
        total = sum(one.value for one in left)
        return Number(total, first.dimension, first.unit, first.factor)
    # "300 m (984 ft)": the same length twice.
    if len(dimensions) == 1 and all(
        abs(one.value - first.value) <= 0.02 * abs(first.value) for one in left
    ):
        return first
    return None


def shown(value: float) -> str:
    """A number as it is written: without a needless fraction, thousands apart."""
    rounded = round(value, 2)
    return f"{int(rounded):,}" if rounded == int(rounded) else f"{rounded:,}"


def _read(match: re.Match[str]) -> Number:
    said = match["number"].lower()
    value = (
        _spelled(said)
        if said[-1].isalpha()
        else float(said.replace("\u2212", "-").replace(",", ""))
    )
    for scale in match["scale"].lower().split():
        value *= _SCALES[scale]
    unit = _unit(match)
    if unit is None:
        return Number(value, "", "", 1.0)
    name, (dimension, factor) = unit
    return Number(value * factor, dimension, name, factor)


def _unit(match: re.Match[str]) -> tuple[str, tuple[str, float]] | None:
    if match["sign"]:
        sign = match["sign"].strip()
        return sign, _UNITS[sign]
    said = (match["unit"] or "").lower()
    if re.fullmatch(r"per ?cent", said):
        said = "percent"
    for name in (said, said.removesuffix("s")):
        if match["square"] and name in _SQUARES:
            return f"square {said}", ("area", _SQUARES[name])
        if name in _UNITS and not (
            name == "in" and said == "in" and not _INCHES.match(match.string, match.start("unit"))
        ):
            return said, _UNITS[name]
    return None


_INCHES = re.compile(r"in\b(?!\s*\w)")


def _spelled(said: str) -> float:
    total, group = 0.0, 0.0
    for word in re.findall(r"[a-z]+", said):
        if word in _SMALL:
            group += _SMALL[word]
        elif word == "hundred":
            group = max(group, 1.0) * 100
        elif word in _SCALES:
            total, group = total + max(group, 1.0) * _SCALES[word], 0.0
    return total + group
