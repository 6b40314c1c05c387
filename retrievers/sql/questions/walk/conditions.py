"""The walk's part about conditions: comparisons, dates, values, negations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from retrievers.sql.questions.draft import (
    DateIn,
    Having,
    Holds,
    Lacks,
    Measure,
    Mention,
    NumberIs,
    Operator,
    TextMatch,
    ValueIs,
)
from retrievers.sql.questions.language.dates import Span
from retrievers.sql.questions.language.meanings import COMPARATIVES, WAYS
from retrievers.sql.questions.vocabulary import Meaning, Value
from retrievers.sql.questions.walk import neighbours
from retrievers.sql.questions.walk.items import Item

if TYPE_CHECKING:
    from retrievers.sql.questions.walk.walk import Walk

DETERMINERS = frozenset({"which", "all", "the", "what", "list", "show", "any"})
INWARD = frozenset({"part", "used", "been", "assigned", "linked", "in", "to", "of", "any", "a"})


def compare(walk: Walk, operator: Operator) -> None:
    """`rating above 4`, `more than 2 papers`, `count of papers greater than 3`."""
    at = walk.skip(walk.at + 1)
    item = walk.item(at)
    if item is not None and item.kind == "date" and item.number is None:
        walk.at = at + 1
        _date_bound(walk, operator, item)
        return
    if item is None or item.number is None:
        walk.draft.failed = "nothing to compare with"
        return
    place, number, low = walk.at, item.number, walk.items[walk.at].low
    end = neighbours.past_units(walk, at + 1)
    following = walk.mention(walk.skip(at + 1))
    if following is not None and walk.items[following.place].kind != "name":
        following = None
    subject = (
        None if following is not None and neighbours.possessed(walk) else neighbours.left(walk)
    )
    measure = None
    if subject is None and following is None and low not in COMPARATIVES:
        measure = neighbours.left_measure(walk)
    walk.at = end
    if subject is not None:
        walk.draft.conditions.append(NumberIs(place, False, subject, "", operator, number))
        if following is not None and set(following.names) & set(subject.names):
            walk.at = following.place + 1  # "a rating above 4 stars"
    elif measure is not None:
        walk.draft.havings.append(Having(measure, operator, number))
    elif following is not None:
        walk.at = following.place + 1
        counted = Measure("count", following, False, True)
        walk.draft.havings.append(Having(counted, operator, number))
    elif low in COMPARATIVES:
        condition = NumberIs(place, False, None, COMPARATIVES[low], operator, number)
        walk.draft.conditions.append(condition)
    else:
        walk.draft.failed = "nothing that is compared"


def between(walk: Walk) -> None:
    """`between 3 and 5`, `between March 2021 and June 2021`, inclusive."""
    first_at = walk.skip(walk.at + 1)
    joint = walk.item(first_at + 1)
    second_at = walk.skip(first_at + 2)
    first, second = walk.item(first_at), walk.item(second_at)
    if first is None or second is None or joint is None or joint.low not in ("and", "to"):
        walk.draft.failed = "a range that is none"
        return
    place, subject = walk.at, neighbours.left(walk)
    walk.at = second_at + 1
    if (
        first.span is not None
        and second.span is not None
        and neighbours.dates_meant(subject, first)
    ):
        end = second.span.end
        if first.span.first is None or end is None:
            walk.draft.failed = "a range of dates without a year"
            return
        walk.draft.conditions.append(DateIn(place, False, Span(first.span.first, end), subject))
    elif subject is not None and first.number is not None and second.number is not None:
        walk.at = neighbours.past_units(walk, walk.at)
        walk.draft.conditions.append(
            NumberIs(place, False, subject, "", "ge", first.number, second.number)
        )
    else:
        walk.draft.failed = "a range of nothing"


def open_date(walk: Walk, cue: str) -> None:
    """`after 2019`, `since March 2020`, `before 2015-01-01`."""
    at = walk.skip(walk.at + 1, frozenset({"year"}))
    item = walk.item(at)
    if item is None or item.span is None:
        walk.draft.failed = f"no date after {cue}"
        return
    low = walk.items[walk.at].low
    first, end = item.span.first, item.span.end
    if first is None or end is None:
        walk.draft.failed = "a date without a year"
        return
    if cue == "after":
        span = Span(first if low in ("since", "starting from") else end, None)
    else:
        span = Span(None, end if low in ("until", "up until") else first)
    place, subject = walk.at, neighbours.left(walk)
    walk.at = at + 1
    walk.draft.conditions.append(DateIn(place, False, span, subject))


def _date_bound(walk: Walk, operator: Operator, item: Item) -> None:
    span = item.span or Span(None, None)
    bounds = {
        "gt": Span(span.end, None),
        "ge": Span(span.first, None),
        "lt": Span(None, span.first),
        "le": Span(None, span.end),
        "eq": span,
    }
    if operator not in bounds or span.first is None:
        walk.draft.failed = "a date that cannot be compared"
        return
    walk.draft.conditions.append(DateIn(walk.at, False, bounds[operator], neighbours.left(walk)))


def in_date(walk: Walk, item: Item) -> None:
    """`in 2021`, `in the last 30 days`, `in the year 2020`."""
    subject = neighbours.left(walk)
    walk.draft.conditions.append(DateIn(walk.at, False, item.span or Span(None, None), subject))
    walk.at += 1


def number(walk: Walk, item: Item) -> None:
    """`paper ID 2`; otherwise a limit whose superlative follows."""
    value = item.number or 0.0
    place = walk.at
    following = walk.item(place + 1)
    if following is not None and following.is_cue("most", "least"):
        walk.pending.append(value)
        walk.at += 1
        return
    subject = neighbours.left(walk)
    walk.at += 1
    if following is not None and following.low == "or":
        more = walk.item(walk.at + 1)
        ways: dict[str, Operator] = {"more": "ge", "greater": "ge", "higher": "ge", "above": "ge"}
        ways |= {"less": "le", "fewer": "le", "lower": "le", "below": "le"}
        if more is not None and more.low in ways:
            walk.at += 2
            _number_or_more(walk, subject, ways[more.low], value, place)
            return
    if subject is not None:
        walk.draft.conditions.append(NumberIs(place, False, subject, "", "eq", value))
    else:
        walk.pending.append(value)


def _number_or_more(
    walk: Walk, subject: Mention | None, operator: Operator, value: float, place: int
) -> None:
    if subject is not None:
        walk.draft.conditions.append(NumberIs(place, False, subject, "", operator, value))
        return
    following = walk.mention(walk.skip(walk.at))
    if following is None:
        walk.draft.failed = "nothing that is compared"
        return
    walk.at = following.place + 1
    walk.draft.havings.append(Having(Measure("count", following, False, True), operator, value))


def value(walk: Walk, item: Item) -> None:
    """A value, with those that are joined to it and the name beside it."""
    place = walk.at
    role = walk.items[place - 1].low if place else ""
    for item_before in walk.items[max(0, place - 3) : place]:
        role = WAYS.get(item_before.low, role)
    first = not walk.bare and not walk.draft.measures and not walk.draft.conditions
    if first and role in DETERMINERS and (noun := as_noun(item, place)):
        walk.bare.append((noun, place))  # "which freighters …"
    near, consumed = neighbours.beside(walk, item)
    values, words = [item.values], [item.text]
    walk.at += 1
    if inner := neighbours.apposition(walk):
        values, words = [inner.values], [inner.text]
    while more := neighbours.joined(walk):
        values.append(more.values)
        words.append(more.text)
    if near is None:
        near = neighbours.after(walk)
    elif consumed:
        walk.forget(near)
    negated, walk.negated = walk.negated, False
    walk.draft.conditions.append(
        ValueIs(place, negated, tuple(values), tuple(words), near, "is", role)
    )


def as_noun(item: Item, place: int) -> Mention | None:
    """`freighters`: a kind of ship, said for ships of that kind. Names of things are none."""
    if item.quoted or item.capital or not item.low.endswith("s"):
        return None
    tables = {value.table for value in item.values}
    if len(tables) != 1:
        return None
    (table,) = tables
    return Mention(item.low, (Meaning(table, None, "part"),), place, "", True)


def text(walk: Walk, cue: str) -> None:
    """`named "Nature"`, `contains "son"`, `starts with J`."""
    match: dict[str, TextMatch] = {
        "named": "is",
        "contains": "contains",
        "starts": "starts",
        "ends": "ends",
    }
    at = walk.skip(walk.at + 1, frozenset({"with", "letter", "is", "word", "string"}))
    item = walk.item(at)
    if cue == "contains" and item is not None and item.kind in ("name", "cue"):
        walk.at += 1  # "playlists that contain tracks": a verb like others
        return
    near = neighbours.left(walk) if cue != "named" else neighbours.left_table(walk)
    if item is None or item.kind in ("mark", "stop", "cue") or near is None:
        if cue == "named" or item is None:
            walk.draft.failed = f"nothing after {cue}"
        else:
            walk.draft.words.append((walk.items[walk.at].low, walk.at))
        walk.at += 1
        return
    found: tuple[Value, ...] = item.values
    place, walk.at = walk.at, at + 1
    walk.draft.conditions.append(
        ValueIs(place, False, (found,), (item.text,), near, match[cue], named=cue == "named")
    )


def in_its_name(walk: Walk) -> None:
    """`with "IEEE" in its name` asks for a part."""
    last = walk.draft.conditions[-1] if walk.draft.conditions else None
    if not isinstance(last, ValueIs):
        walk.draft.failed = "in its name, of nothing"
        return
    table = next((m for m, _ in reversed(walk.bare) if m.tables and m.place < last.place), None)
    walk.draft.conditions[-1] = replace(last, match="contains", near=last.near or table)


def negation(walk: Walk) -> None:
    """`without orders`, `not part of any organization`, `not in California`."""
    at = walk.at + 1
    while (item := walk.item(at)) and (item.kind in ("stop", "light") or item.low in INWARD):
        at += 1
    item = walk.item(at)
    mention = walk.mention(at)
    if item is not None and item.kind == "value":
        walk.negated = True
        walk.at = at
    elif mention is not None and item is not None and item.kind == "name":
        place, walk.at = walk.at, at + 1
        following = walk.item(walk.at)
        if following is not None and following.low in ("with", "that", "who", "which", "whose"):
            walk.draft.failed = "a negation with a condition of its own"
        elif mention.tables:
            walk.draft.conditions.append(Lacks(place, True, mention))
        else:
            walk.draft.conditions.append(Holds(place, True, mention))
    else:
        walk.draft.failed = "a negation of nothing"
