"""What stands beside a place in the question: the name before a number, the name after a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrievers.sql.questions.draft import Measure, Mention
from retrievers.sql.questions.language.lexicon import UNITS
from retrievers.sql.questions.walk.items import Item

if TYPE_CHECKING:
    from retrievers.sql.questions.walk.walk import Walk

COPULA = frozenset({"is", "are", "was", "were", "be", "been", "of", "the", "a", "an", "=", ":"})
COPULA |= {"that", "have", "has", "with", "had", "whose"}
BESIDE = frozenset({"of", "is", "are", "was", "were", "the", "=", ":", "equals", "equal", "to"})


def possessed(walk: Walk) -> bool:
    """`cities with more than 2 …`: what is compared comes after."""
    at = walk.at - 1
    while (item := walk.item(at)) and item.kind in ("stop", "light"):
        if item.low in ("have", "has", "had", "with", "having"):
            return True
        at -= 1
    return False


def left(walk: Walk) -> Mention | None:
    """The column just before, which is thereby a condition's and no longer a bare name."""
    if not walk.bare or walk.output:
        return None
    mention, place = walk.bare[-1]
    between_them = walk.items[place + 1 : walk.at]
    if not mention.columns or any(i.low not in COPULA and i.kind != "mark" for i in between_them):
        return None
    if any(meaning.way in ("exact", "full") for meaning in mention.tables):
        return None
    if any(i.kind == "mark" and i.low not in ":=(" for i in between_them):
        return None
    walk.bare.pop()
    return mention


def left_table(walk: Walk) -> Mention | None:
    """The table or column just before; it stays where it is."""
    if not walk.bare:
        return None
    mention, place = walk.bare[-1]
    if any(i.kind not in ("stop", "light") for i in walk.items[place + 1 : walk.at]):
        return None
    return mention


def left_measure(walk: Walk) -> Measure | None:
    """The measure just before: `number of papers greater than 3`."""
    if not walk.draft.measures or walk.sorting:
        return None
    measure = walk.draft.measures[-1]
    rest = walk.items[measure.of.place + 1 : walk.at]
    beside = all(i.low in BESIDE for i in rest)
    return measure if beside and not walk.output else None


def beside(walk: Walk, item: Item) -> tuple[Mention | None, bool]:
    """The name before a value: `state of California`, and whether it says nothing else."""
    if not walk.bare or walk.bare[-1][1] == walk.at:
        return None, False
    mention, place = walk.bare[-1]
    rest = walk.items[place + 1 : walk.at]
    if any(i.low not in BESIDE or i.kind == "name" for i in rest):
        return None, False
    if not mention.tables and item.values:
        held = {(v.table, v.column) for v in item.values}
        if not held & {(m.table, m.column) for m in mention.columns}:
            return None, False  # "population of Chicago" asks for the population
    return mention, not mention.tables


def after(walk: Walk) -> Mention | None:
    """The name after a value: `Mexican food`. A column's is used up, a table's is not."""
    mention = walk.mention(walk.at)
    if mention is None or walk.items[walk.at].kind != "name":
        return None
    if not mention.tables:
        walk.at += 1
    return mention


def apposition(walk: Walk) -> Item | None:
    """`Chicago (ORD)`: what stands in brackets is the more exact name."""
    opening, inner, closing = (walk.item(walk.at + offset) for offset in range(3))
    if opening is None or inner is None or closing is None or opening.low != "(":
        return None
    if inner.kind != "value" or closing.low != ")":
        return None
    walk.at += 3
    return inner


def joined(walk: Walk) -> Item | None:
    """The next value of `A, B or C`."""
    at = walk.at
    while (item := walk.item(at)) and item.low in (",", "or", "and", "either"):
        at += 1
    item = walk.item(at)
    if at == walk.at or item is None or item.kind != "value":
        return None
    if not {(v.table, v.column) for v in item.values} & walk.last_places(at):
        return None
    walk.at = at + 1
    return item


def past_units(walk: Walk, at: int) -> int:
    """The place after units of a number."""
    while (item := walk.item(at)) and item.low in UNITS and item.kind != "name":
        at += 1
    return at


def dates_meant(subject: Mention | None, first: Item) -> bool:
    """`between 2000 and 2010` is about years unless a number stands before it."""
    return first.number is None or subject is None or "year" in subject.text
