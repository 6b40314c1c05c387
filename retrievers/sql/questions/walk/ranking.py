"""The walk's part about superlatives: `the top 3`, `the most expensive`, `the fewest papers`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from retrievers.sql.questions.draft import Measure, Mention, Sort
from retrievers.sql.questions.language.meanings import ADJECTIVES
from retrievers.sql.questions.walk import measures
from retrievers.sql.questions.walk.cues import COMMON

if TYPE_CHECKING:
    from retrievers.sql.questions.walk.walk import Walk


def superlative(walk: Walk, descending: bool) -> None:
    """What comes after `top`, `most`, `lowest`: a limit, a measure, a column, a thing."""
    item = walk.items[walk.at]
    low = item.low
    at = walk.skip(walk.at + 1)
    limit = _take_limit(walk)
    if at < len(walk.items) and walk.items[at].kind == "number" and _whole(walk, at):
        limit, at = int(walk.items[at].number or 0), walk.skip(at + 1)
    if limit is not None:
        if walk.draft.limit not in (None, limit):
            walk.draft.failed = "two limits"
        walk.draft.limit = limit
    following = walk.items[at] if at < len(walk.items) else None
    if following is not None and following.kind == "cue":
        if found := measures.read_measure(walk, at):
            found_measures, walk.at = found
            measures.restrict(walk)
            rank(walk, Sort(found_measures[0], descending))
            return
        if following.is_cue("most", "least"):  # "top 3 highest paid"
            walk.at = at
            return
    if following is not None and following.low in COMMON:
        mention = walk.mention(walk.skip(at + 1))
        if mention is not None:
            walk.at = mention.place + 1
            rank(walk, Sort(Measure("count", mention), descending))
            walk.take(mention)
            return
    if following is not None and low in ("most", "least") and following.low in ADJECTIVES:
        walk.at = at + 1
        rank(walk, Sort(None, descending, following.low))
        return
    if following is not None and following.kind == "word" and walk.mention(at + 1):
        walk.draft.words.append((following.low, at))  # "lowest daily price"
        at += 1
    mention = walk.mention(at)
    if mention is not None:
        _rank_by_name(walk, low, descending, mention)
        return
    if low in ("top", "bottom", "best", "worst") and limit is None:
        walk.draft.words.append((low, walk.at))
    elif low in ("first", "top", "bottom"):
        walk.at = at
        rank(walk, Sort(None, descending, low))
    else:
        walk.at = max(walk.at + 1, at)
        rank(walk, Sort(None, descending, low))


def _rank_by_name(walk: Walk, low: str, descending: bool, mention: Mention) -> None:
    walk.at = mention.place + 1
    counting = low in ("most", "fewest", "least", "more", "fewer", "less")
    if mention.tables and not counting:
        rank(walk, Sort(None, descending, low))
        walk.take(mention)
    elif mention.tables:
        rank(walk, Sort(Measure("count", mention, False, True), descending))
    elif low in ("top", "bottom") or (low in ADJECTIVES and mention.tables):
        rank(walk, Sort(None, descending, low))
        walk.take(mention)
    else:
        rank(walk, Sort(mention, descending))


def rank(walk: Walk, sort: Sort) -> None:
    """Order what is listed; two orders are one too many unless one only says "top"."""
    known = walk.draft.ranking
    if known is None or (known.by is None and known.adjective in ("top", "bottom")):
        if known is not None and known.adjective == "bottom":
            sort = replace(sort, descending=False)
        walk.draft.ranking = sort
    elif (sort.by is None and sort.adjective in ("top", "bottom")) or _same_sort(known, sort):
        return
    else:
        walk.draft.failed = "two superlatives"


def _take_limit(walk: Walk) -> int | None:
    if walk.pending and walk.pending[-1] == int(walk.pending[-1]):
        return int(walk.pending.pop())
    return None


def _whole(walk: Walk, at: int) -> bool:
    number = walk.items[at].number
    return number is not None and number == int(number) and 0 < number <= 1000


def _same_sort(one: Sort, other: Sort) -> bool:
    """Said twice."""
    if isinstance(one.by, Measure) and isinstance(other.by, Measure):
        return one.by.function == other.by.function and one.by.of.text == other.by.of.text
    if isinstance(one.by, Mention) and isinstance(other.by, Mention):
        return one.by.text == other.by.text
    return False
