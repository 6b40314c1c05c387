"""Dates as intervals of their own precision: "1912" does not precede "3 May 1912"."""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass
from typing import Literal

Precision = Literal["day", "month", "year", "more"]
"""How exactly a date is said; `more` spans several years."""
Day = tuple[int, int, int]
"""Year, month and day; years before Christ are negative, and there is no year 0."""

AROUND = 5
"""Years to each side that "c. 1912" may mean."""

_MONTHS = {
    name.lower(): number
    for number in range(1, 13)
    for name in (calendar.month_name[number], calendar.month_abbr[number])
} | {"sept": 9}
_MONTH = rf"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_NTH = "(?:st|nd|rd|th)"
_DATE = re.compile(
    rf"""(?P<circa>\b(?:c\.|ca\.|circa\b|about\b|around\b)\s*)?
    (?:(?<![\w.])|(?<=\d{{4}})(?=[a-z]))(?:  # "1914March 24": a lost dash
      (?P<y0>\d{{4}})-(?P<m0>\d\d)-(?P<d0>\d\d)(?!\d)
    | (?P<d1>\d{{1,2}}){_NTH}?\s+(?:of\s+)?(?P<m1>{_MONTH})\s*,?\s*(?:of\s+)?(?P<y1>\d{{3,4}})(?!\d)
    | (?P<m2>{_MONTH})\s+(?P<d2>\d{{1,2}}){_NTH}?(?:\s*,\s*|\s+)(?P<y2>\d{{3,4}})(?!\d)
    | (?P<m3>{_MONTH})\s*(?:of\s+|,\s*)?(?P<y3>\d{{3,4}})\b
    | (?:(?P<part>early|mid|late)[-\s]*)?(?:the\s+)?(?P<century>\d{{1,2}}){_NTH}[\s-]+century\b
    | (?P<decade>(?:1\d|20)\d0)['\u2019]?s\b
    | AD\s*(?P<y4>\d{{1,4}})\b
    | (?P<y5>\d{{1,4}})(?=\s*(?:BCE?|CE|AD|B\.C\.)(?!\w))
    | (?P<y6>1\d{{3}}|20\d\d)(?![\w%]|[,.]\d)
    )(?P<era>\s*(?:BCE?\b|B\.C\.|CE\b|AD\b))?""",
    re.VERBOSE | re.IGNORECASE,
)
_SHORT_YEAR = re.compile(r"\s*(\d{3,4})\s*")
_THIRDS = {"early": (0, 33), "mid": (33, 67), "late": (67, 100)}


@dataclass(frozen=True, slots=True)
class Date:
    """The days a date may mean, both ends included, and `text[start:stop]` that says it."""

    first: Day
    last: Day
    precision: Precision
    start: int
    stop: int

    def before(self, other: Date) -> bool:
        """Whether it certainly precedes the other; dates that overlap have no order."""
        return self.last < other.first

    def within(self, other: Date) -> bool:
        """Whether it says the same as the other, at least as exactly."""
        return other.first <= self.first and self.last <= other.last


_ORDER: dict[Precision, int] = {"day": 0, "month": 1, "year": 2, "more": 3}


def parse(text: str) -> Date | None:
    """The only date of a text, or its most exact one if the others agree with it.

    None where there is no date, or where two dates of the text exclude each other.
    """
    found = every(text)
    if not found:
        year = _SHORT_YEAR.fullmatch(text)
        return _of_year(int(year[1]), *year.span(1)) if year else None
    exact = min(found, key=lambda one: _ORDER[one.precision])
    return exact if all(exact.within(other) for other in found) else None


def every(text: str, start: int = 0, end: int | None = None) -> list[Date]:
    """All dates of a text in order; what is no day of the calendar is left out."""
    found = _DATE.finditer(text, start, len(text) if end is None else end)
    return [date for match in found if (date := _read(match)) is not None]


def years_between(one: Date, other: Date) -> int | None:
    """Years from the earlier to the later; None where they are not said to the year.

    Whole years that have passed if both are exact to the month, else the difference of the numbers
    of the years.
    """
    if "more" in (one.precision, other.precision):
        return None
    early, late = sorted((one, other), key=lambda each: each.first)
    years = _counted(late.first[0]) - _counted(early.first[0])
    if "year" in (one.precision, other.precision):
        return years
    places = 3 if one.precision == other.precision == "day" else 2
    return years - (late.first[1:places] < early.first[1:places])


def days_between(one: Date, other: Date) -> int | None:
    """Days from the earlier to the later; None unless both are exact days after Christ."""
    if not one.precision == other.precision == "day" or min(one.first[0], other.first[0]) < 1:
        return None
    return abs((datetime.date(*one.first) - datetime.date(*other.first)).days)


def _counted(year: int) -> int:
    return year + 1 if year < 0 else year


def _read(match: re.Match[str]) -> Date | None:
    said, spot = match.groupdict(), match.span()
    before_christ = (said["era"] or "").strip().lower().startswith("b")
    if said["century"]:
        return _of_century(int(said["century"]), said["part"], before_christ, *spot)
    if said["decade"]:
        year = int(said["decade"])
        return Date((year, 1, 1), (year + 9, 12, 31), "more", *spot)
    year = int(next(said[f"y{n}"] for n in range(7) if said[f"y{n}"]))
    if year == 0:
        return None
    year = -year if before_christ else year
    if said["circa"]:
        return Date((year - AROUND, 1, 1), (year + AROUND, 12, 31), "more", *spot)
    month = _month(said["m0"] or said["m1"] or said["m2"] or said["m3"])
    if month is None:
        return _of_year(year, *spot)
    if not 1 <= month <= 12:
        return None
    length = calendar.monthrange(abs(year), month)[1]
    day = said["d0"] or said["d1"] or said["d2"]
    if day is None:
        return Date((year, month, 1), (year, month, length), "month", *spot)
    if not 1 <= int(day) <= length:
        return None
    return Date((year, month, int(day)), (year, month, int(day)), "day", *spot)


def _month(said: str | None) -> int | None:
    if said is None:
        return None
    return int(said) if said.isdigit() else _MONTHS[said.rstrip(".").lower()]


def _of_year(year: int, start: int, stop: int) -> Date | None:
    return Date((year, 1, 1), (year, 12, 31), "year", start, stop) if year else None


def _of_century(
    number: int, part: str | None, before_christ: bool, start: int, stop: int
) -> Date | None:
    if number == 0:
        return None
    low, high = _THIRDS.get((part or "").lower(), (0, 100))
    opens = -100 * number if before_christ else 100 * (number - 1) + 1
    return Date((opens + low, 1, 1), (opens + high - 1, 12, 31), "more", start, stop)
