"""Time expressions: which days a question speaks of, and whether by name or counted from today."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from retrievers.sql.questions.language.words import Token, spelled

MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
MONTHS["sept"] = 9
_AMBIGUOUS = frozenset({"may", "march", "mar", "sun", "sat", "dec"})
_UNITS = {"day": 1, "week": 7, "month": 0, "year": 0, "quarter": 0}
_QUARTERS = {"1st": 1, "first": 1, "2nd": 2, "second": 2, "3rd": 3, "third": 3, "4th": 4}
_QUARTERS |= {"fourth": 4, "last": 4}


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to before `end`; None is open.

    Attributes:
        year: Set when exactly one calendar year is meant, for columns that hold years.
        month: Set when one month of a year is meant, or (with no year) a month of any year.
    """

    first: date | None
    end: date | None
    year: int | None = None
    month: int | None = None


def month_span(year: int, month: int) -> Span:
    """One calendar month."""
    end = date(year + month // 12, month % 12 + 1, 1)
    return Span(date(year, month, 1), end, None, month)


def year_span(year: int) -> Span:
    """One calendar year."""
    return Span(date(year, 1, 1), date(year + 1, 1, 1), year)


def shift(day: date, months: int) -> date:
    """As many months later, on the last day where the month is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def read_date(tokens: Sequence[Token], at: int, today: date) -> tuple[Span, int] | None:
    """The time expression that begins at a token, and how many tokens it takes."""
    for reader in (_relative, _day, _month, _quarter, _year):
        with suppress(OverflowError, ValueError):  # beyond the years 1 to 9999
            if found := reader(tokens, at, today):
                return found
    return None


def _relative(tokens: Sequence[Token], at: int, today: date) -> tuple[Span, int] | None:
    """`last 30 days`, `this year`, `last month`, `yesterday`."""
    low = [token.low for token in tokens[at : at + 4]]
    if low[:1] in (["today"], ["yesterday"]):
        day = today - timedelta(days=low[0] == "yesterday")
        return Span(day, day + timedelta(days=1)), 1
    if low[:1] not in (["last"], ["past"], ["previous"], ["this"], ["current"]) or len(low) < 2:
        return None
    if tokens[at + 1].number is not None or spelled(low[1:]):
        counted = spelled(low[1:])
        amount, used = counted or (tokens[at + 1].number or 0.0, 1)
        unit = tokens[at + 1 + used].key if at + 1 + used < len(tokens) else ""
        if unit not in _UNITS or low[0] in ("this", "current") or amount != int(amount):
            return None
        return Span(_back(today, int(amount), unit), None), 2 + used
    unit = tokens[at + 1].key
    if unit not in _UNITS:
        return None
    if low[0] == "past":
        return Span(_back(today, 1, unit), None), 2
    return _calendar(today, unit, low[0] in ("last", "previous")), 2


def _back(today: date, amount: int, unit: str) -> date:
    if unit in ("day", "week"):
        return today - timedelta(days=amount * _UNITS[unit])
    return shift(today, -amount * {"month": 1, "quarter": 3, "year": 12}[unit])


def _calendar(today: date, unit: str, last: bool) -> Span:
    """This or the last calendar unit; weeks begin on Monday."""
    if unit == "year":
        return year_span(today.year - last)
    if unit == "day":
        day = today - timedelta(days=last)
        return Span(day, day + timedelta(days=1))
    if unit == "week":
        monday = today - timedelta(days=today.weekday() + 7 * last)
        return Span(monday, monday + timedelta(days=7))
    if unit == "quarter":
        first = shift(date(today.year, (today.month - 1) // 3 * 3 + 1, 1), -3 * last)
        return Span(first, shift(first, 3))
    first = shift(today.replace(day=1), -last)
    return month_span(first.year, first.month)


def _day(tokens: Sequence[Token], at: int, today: date) -> tuple[Span, int] | None:
    """`2023-01-31`, `Jan 31, 2023`, `31 January 2023`."""
    token = tokens[at]
    if token.kind == "date":
        day = date.fromisoformat(token.low)
        return Span(day, day + timedelta(days=1)), 1
    words = [t for t in tokens[at : at + 5] if t.low not in (",", "of", ".")]
    for order in ((0, 1, 2), (1, 0, 2)):
        if len(words) < 3:
            return None
        month, number, year = (words[place] for place in order)
        if month.low in MONTHS and number.number and year.number:
            try:
                day = date(int(year.number), MONTHS[month.low], int(number.number))
            except (OverflowError, ValueError):
                continue
            used = tokens.index(words[2], at) - at + 1
            return Span(day, day + timedelta(days=1)), used
    return None


def _month(tokens: Sequence[Token], at: int, today: date) -> tuple[Span, int] | None:
    """`March 2021`; a month alone only where it cannot be another word."""
    token = tokens[at]
    if token.kind != "word" or token.low not in MONTHS:
        return None
    rest = [t for t in tokens[at + 1 : at + 3] if t.low not in (",", "of")]
    if rest and _is_year(rest[0]):
        used = tokens.index(rest[0], at) - at + 1
        return month_span(int(rest[0].number or 0), MONTHS[token.low]), used
    if token.low in _AMBIGUOUS and not token.capital:
        return None
    return Span(None, None, None, MONTHS[token.low]), 1


def _quarter(tokens: Sequence[Token], at: int, today: date) -> tuple[Span, int] | None:
    """`Q1 2023`, `first quarter of 2023`."""
    token = tokens[at]
    used, number = 1, 0
    if len(token.low) == 2 and token.low[0] == "q" and token.low[1] in "1234":
        number = int(token.low[1])
    elif token.low in _QUARTERS and tokens[at + 1 : at + 2] and tokens[at + 1].key == "quarter":
        number, used = _QUARTERS[token.low], 2
    rest = [t for t in tokens[at + used : at + used + 3] if t.low not in ("of", "in", "year")]
    if not number or not rest or not _is_year(rest[0]):
        return None
    first = date(int(rest[0].number or 0), 3 * number - 2, 1)
    return Span(first, shift(first, 3)), tokens.index(rest[0], at) - at + 1


def _year(tokens: Sequence[Token], at: int, today: date) -> tuple[Span, int] | None:
    token = tokens[at]
    if not _is_year(token):
        return None
    return year_span(int(token.number or 0)), 1


def _is_year(token: Token) -> bool:
    """Four digits that read as a year; whether a number is meant is decided by what is around."""
    return token.kind == "number" and token.low.isdigit() and 1700 <= (token.number or 0) <= 2100
