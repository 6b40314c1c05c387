"""The walk's part about numbers to be worked out: counts, sums, means, extremes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from retrievers.sql.questions.draft import Function, Holds, Measure, Mention
from retrievers.sql.questions.walk import conditions
from retrievers.sql.questions.walk.cues import AGGREGATES

if TYPE_CHECKING:
    from retrievers.sql.questions.walk.walk import Walk


def read_measure(walk: Walk, at: int) -> tuple[list[Measure], int] | None:
    """A measure that begins at a place: `total number of unique authors`, `average price`."""
    functions: list[Function] = []
    counted = distinct = total = False
    start, passed = at, list[int]()
    while at < len(walk.items):
        item = walk.items[at]
        if item.is_cue("count"):
            counted, total = True, total or "total" in item.low
            distinct = distinct or "different" in item.low
        elif item.kind == "cue" and item.cue in AGGREGATES:
            functions.append(AGGREGATES[item.cue])
        elif item.is_cue("distinct"):
            distinct = True
        elif item.is_cue("most", "least") and functions and at > start:
            return None
        elif item.kind == "value" and _named_next(walk, at):
            passed.append(at)
        elif item.kind == "value" and (counted or functions):
            if (noun := conditions.as_noun(item, at)) is None:
                break
            walk.passed = [*passed, at]
            return [Measure(f, noun, distinct, counted) for f in functions or ["count"]], at + 1
        elif not (
            (item.kind == "stop" and item.low in ("the", "of", "all", "a", "an"))
            or (item.low in ("and", "or", ",") and functions and _more_functions(walk, at + 1))
        ):
            break
        at += 1
    mention = walk.mention(at)
    if mention is None:
        last = at - 1
        # "the total of each invoice": the cue itself is the column's name.
        while last >= start and not walk.items[last].names:
            last -= 1
        mention = walk.mention(last) if last >= start else None
        if mention is None or len(functions) > 1:
            return None
        return [Measure("sum", mention)], at
    if not functions and not counted:
        return None
    if counted and (walk.describes(mention) or walk.items[at].opposite):
        passed.append(at)
        at += 1
        mention = walk.mention(at) or mention
    walk.passed = passed
    if functions and mention.tables and (own := _cue_column(walk, start, at, mention)):
        mention = own
    if counted and not functions:
        return [Measure("count", mention, distinct, True, total)], at + 1
    if counted and functions == ["sum"] and not distinct:
        return [Measure("count", mention, distinct, True, total)], at + 1
    return [Measure(f, mention, distinct, counted) for f in functions], at + 1


def _named_next(walk: Walk, at: int) -> bool:
    """`female patients`: a value before the name that it restricts."""
    following = walk.item(at + 1)
    return following is not None and following.kind == "name"


def _cue_column(walk: Walk, start: int, end: int, owner: Mention) -> Mention | None:
    """`total of invoices`, where an invoice has a column total."""
    tables = {meaning.table for meaning in owner.tables}
    for item in walk.items[start:end]:
        names = tuple(n for n in item.names if n.column and n.table in tables)
        if item.kind == "cue" and names:
            return replace(owner, text=item.low, names=names)
    return None


def restrict(walk: Walk) -> None:
    """Values that a measure skipped become conditions."""
    here = walk.at
    for place in walk.passed:
        walk.at = place
        if walk.items[place].kind == "value":
            conditions.value(walk, walk.items[place])
        elif mention := walk.mention(place):
            opposite = walk.items[place].opposite
            walk.draft.conditions.append(Holds(place, opposite, mention, None, True))
    walk.at, walk.passed = here, []


def _more_functions(walk: Walk, at: int) -> bool:
    at = walk.skip(at)
    return at < len(walk.items) and walk.items[at].cue in AGGREGATES


def measure(walk: Walk) -> None:
    """Take a measure, and what follows it with the same function."""
    found = read_measure(walk, walk.at)
    if found is None:
        walk.draft.failed = f"nothing to measure after {walk.items[walk.at].low}"
        return
    measures, walk.at = found
    restrict(walk)
    walk.draft.measures += measures
    if walk.output:
        walk.draft.outputs += measures
    # "average price and quantity": the function goes on.
    if measures[0].function in ("avg", "sum") and not measures[0].counted:
        at = walk.at
        if at + 1 < len(walk.items) and walk.items[at].low in ("and", ","):
            following = walk.mention(walk.skip(at + 1))
            if following and not following.tables and ends_list(walk, following.place + 1):
                walk.draft.measures.append(replace(measures[0], of=following))
                if walk.output:
                    walk.draft.outputs.append(walk.draft.measures[-1])
                walk.at = following.place + 1


def ends_list(walk: Walk, at: int) -> bool:
    """Whether a list of names is over before a place."""
    return at >= len(walk.items) or walk.items[at].low in (
        *("of", "for", "in", "per", "by", "?", ".", "from", "across"),
        *("for each", "of each", "in each", "by each"),
    )
