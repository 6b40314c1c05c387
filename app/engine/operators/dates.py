"""Dates as intervals of their own precision: "1912" is all of that year, "3 May 1912" one day.

Calendar dates are read as written; no Julian date is converted. Years are astronomical: 1 BC is 0.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Precision = Literal["day", "month", "year", "longer"]


class Day(NamedTuple):
    """Ordered as time is."""

    year: int
    month: int
    day: int

    @property
    def number(self) -> int:
        """Days since an arbitrary day of the Gregorian calendar, carried back beyond its start."""
        year, month = (
            (self.year, self.month) if self.month > 2 else (self.year - 1, self.month + 12)
        )
        leap = year // 4 - year // 100 + year // 400
        return 365 * year + leap + (153 * (month - 3) + 2) // 5 + self.day


EARLIEST, LATEST = Day(-1_000_000, 1, 1), Day(1_000_000, 12, 31)
"""Ends of what has none: "before 1912"."""
ABOUT = 5
"""Years by which "c. 1912" may miss; a longer interval may miss by half its length."""


@dataclass(frozen=True, slots=True)
class When:
    """All days on which it may have been."""

    first: Day
    last: Day

    @property
    def precision(self) -> Precision:
        """The smallest calendar unit that holds the interval."""
        first, last = self.first, self.last
        if first == last:
            return "day"
        if first.year != last.year:
            return "longer"
        return "month" if first.month == last.month else "year"

    def before(self, other: When) -> bool:
        """Whether every day of it is before every day of the other."""
        return self.last < other.first

    def holds(self, other: When) -> bool:
        """Whether every day of the other is one of its days."""
        return self.first <= other.first and other.last <= self.last


class Dated(NamedTuple):
    """A date that stands at `text[start:end]`."""

    start: int
    end: int
    when: When


MONTHS = "january february march april may june july august september october november december"
_MONTHS = {name[:3]: number for number, name in enumerate(MONTHS.split(), start=1)}
_MONTH = (
    r"(?P<month>jan(?:uary|\.)?|feb(?:ruary|\.)?|mar(?:ch|\.)?|apr(?:il|\.)?|may|june?\.?|july?\.?"
    r"|aug(?:ust|\.)?|sept?(?:ember|\.)?|oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember|\.)?)"
)
_MONTH_NAME = rf"(?:{MONTHS.replace(' ', '|')})"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_ERA = r"(?:\ ?(?P<era>BCE?|B\.C\.(?:E\.)?|CE|AD|A\.D\.)(?!\w))?"
_YEAR = rf"(?P<year>\d{{4}}|\d{{3}}(?!\d)){_ERA}"
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first"
)
_ORDINAL = {name: number for number, name in enumerate(_ORDINALS.split(), start=1)}
_BEFORE_CHRIST = re.compile(r"B\.?C", re.IGNORECASE)
_ABOUT = re.compile(
    r"(?:\bcirca|\bca?\.|\babout|\baround|\bprobably|\bperhaps)\s*(?:the\ )?$", re.I
)
_UNTIL = re.compile(r"\b(?:before|prior to|no later than|not later than)\s*(?:the\ )?$", re.I)
_SINCE = re.compile(r"\b(?:after|no earlier than|not earlier than)\s*(?:the\ )?$", re.I)
_REACH = 20  # characters before a date in which such a word may stand
_NO_UNIT = (
    r"(?!\w|\ ?%|[.,]\d|\ ?(?:km|mi|m|ft|kg|lb|ha|metres?|meters?|feet|kilomet\w+|miles|acres"
    r"|people|inhabitants|residents|students|copies|hectares)\b)"
)


def dates(text: str) -> list[Dated]:
    """All dates of a text that name a year, in order; no two overlap."""
    found: list[Dated] = []
    for pattern, read in _FORMS:
        for match in pattern.finditer(text):
            if any(match.start() < old.end and old.start < match.end() for old in found):
                continue
            when = read(match)
            if when is not None:
                found.append(Dated(match.start(), match.end(), _qualified(when, text, match)))
    return sorted(found)


def year(number: int) -> When:
    """All of one year."""
    return _years(number, number)


def whole_years(first: Day, last: Day) -> int:
    """Years completed from one day to a later one."""
    return last.year - first.year - ((last.month, last.day) < (first.month, first.day))


def whole_months(first: Day, last: Day) -> int:
    """Months completed from one day to a later one."""
    return 12 * (last.year - first.year) + last.month - first.month - (last.day < first.day)


def _years(first: int, last: int) -> When:
    return When(Day(first, 1, 1), Day(last, 12, 31))


def _qualified(when: When, text: str, match: re.Match[str]) -> When:
    before = text[max(0, match.start() - _REACH) : match.start()]
    if _UNTIL.search(before):
        return When(EARLIEST, when.first)
    if _SINCE.search(before):
        return When(when.last, LATEST)
    if _ABOUT.search(before) or text[match.end() : match.end() + 1] == "?":
        reach = max(ABOUT, (when.last.year - when.first.year + 1) // 2)
        return _years(when.first.year - reach, when.last.year + reach)
    return when


def _year_of(match: re.Match[str]) -> int:
    number = int(match["year"])
    return 1 - number if _BEFORE_CHRIST.match(match["era"] or "") else number


def _on(year: int, month: int, day: int | None) -> When | None:
    if not 1 <= month <= 12:
        return None
    # The calendar repeats every 400 years and knows no year 0.
    length = calendar.monthrange(year % 400 + 2000, month)[1]
    if day is None:
        return When(Day(year, month, 1), Day(year, month, length))
    return When(*(Day(year, month, day),) * 2) if 1 <= day <= length else None


def _of_words(match: re.Match[str]) -> When | None:
    groups = match.groupdict()
    day = int(groups["day"]) if groups.get("day") else None
    return _on(_year_of(match), _MONTHS[match["month"][:3].lower()], day)


def _of_iso(match: re.Match[str]) -> When | None:
    day = int(match["day"]) if match["day"] else None
    return _on(int(match["year"]), int(match["number"]), day)


def _of_numbers(match: re.Match[str]) -> When | None:
    """Day and month in either order; where both make sense, all between the two."""
    one, two, year = int(match["one"]), int(match["two"]), int(match["year"])
    found = [when for when in (_on(year, two, one), _on(year, one, two)) if when is not None]
    if not found:
        return None
    return When(min(when.first for when in found), max(when.last for when in found))


def _of_century(match: re.Match[str]) -> When | None:
    number = int(match["number"]) if match["number"] else _ORDINAL[match["word"].lower()]
    if number == 0:
        return None
    if _BEFORE_CHRIST.match(match["era"] or ""):
        return _years(1 - 100 * number, -100 * (number - 1))
    return _years(100 * (number - 1), 100 * number)  # "the 1900s" and "from 1901" are both meant


def _of_decade(match: re.Match[str]) -> When | None:
    first = int(match["year"])
    return _years(first, first + (99 if first % 100 == 0 else 9))


def _of_two_years(match: re.Match[str]) -> When | None:
    first = int(match["year"])
    last = first - first % 100 + int(match["end"])
    return _years(first, last) if last > first else None


def _of_year(match: re.Match[str]) -> When | None:
    return year(_year_of(match))


def _forms() -> Iterator[tuple[re.Pattern[str], Callable[[re.Match[str]], When | None]]]:
    def form(pattern: str) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w.,]){pattern}", re.IGNORECASE)

    def beside(pattern: str) -> re.Pattern[str]:
        # Extracted text loses dashes: "4 October 19165 May 2002".
        opens = r"(?:(?<![\w.,])|(?<=\b[12]\d{3}))"
        ends = rf"(?:(?!\w)|(?=\d{{1,2}}\ {_MONTH_NAME})|(?={_MONTH_NAME}\ \d))"
        return re.compile(f"{opens}{pattern}{ends}", re.IGNORECASE)

    yield form(r"(?P<year>\d{4})-(?P<number>\d{2})(?:-(?P<day>\d{2}))?(?![\w-])"), _of_iso
    yield beside(rf"{_DAY}\ (?:of\ )?{_MONTH}(?:\ ?,\ ?|\ )(?:of\ )?{_YEAR}"), _of_words
    yield beside(rf"{_MONTH}\ {_DAY}(?:\ ?,\ ?|\ ){_YEAR}"), _of_words
    yield form(rf"{_MONTH}\ ?,?\ (?:of\ )?{_YEAR}(?!\w)"), _of_words
    yield (
        form(r"(?P<one>\d{1,2})(?P<sign>[./-])(?P<two>\d{1,2})(?P=sign)(?P<year>\d{4})\b"),
        _of_numbers,
    )
    words = "|".join(sorted(_ORDINAL, key=len, reverse=True))
    century = rf"(?:(?P<number>\d{{1,2}})(?:st|nd|rd|th)|(?P<word>{words}))"
    yield form(rf"{century}[ -]century{_ERA}(?!\w)"), _of_century
    yield form(r"(?P<year>\d{3}0)['\u2019]?s\b"), _of_decade
    yield (
        form(r"(?P<year>1\d{3}|20\d{2})\ ?[\u2013/-]\ ?(?P<end>\d{2})(?![\w\u2013/-])"),
        _of_two_years,
    )
    yield form(r"(?P<year>\d{1,4})\ ?(?P<era>BCE?|B\.C\.(?:E\.)?|CE|AD|A\.D\.)(?!\w)"), _of_year
    yield form(r"(?P<era>AD|A\.D\.)\ ?(?P<year>\d{1,4})\b"), _of_year
    yield form(rf"(?P<year>1\d{{3}}|20\d{{2}}){_ERA}{_NO_UNIT}"), _of_year
    # A value that is nothing but a number.
    yield re.compile(r"^\s*(?P<year>[1-9]\d{0,3})(?P<era>)[\s.]*$"), _of_year


_FORMS = tuple(_forms())
