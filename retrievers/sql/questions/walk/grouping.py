"""The walk's part about dividing and ordering: `for each year`, `by country`, `sorted by`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from retrievers.sql.questions.draft import Mention, Sort, TimeGroup
from retrievers.sql.questions.walk import measures, ranking
from retrievers.sql.questions.walk.cues import TIME_UNITS

if TYPE_CHECKING:
    from retrievers.sql.questions.walk.walk import Walk


def group(walk: Walk) -> None:
    """`for each author and year`."""
    at = walk.skip(walk.at + 1, frozenset({"individual", "unique", "distinct"}))
    while at < len(walk.items) and walk.items[at].is_cue("distinct"):
        at = walk.skip(at + 1)
    item = walk.items[at] if at < len(walk.items) else None
    mention = walk.mention(at)
    if item is None or item.kind == "mark":
        return  # "the number of keywords in each": of what was listed
    if mention is None and item.low in TIME_UNITS:
        walk.draft.groups.append(TimeGroup(TIME_UNITS[item.low], None, at))
        walk.at = at + 1
        return
    if mention is None or item is None or item.kind == "value":
        walk.draft.failed = "nothing to group by"
        return
    walk.draft.per = walk.items[walk.at].low == "per"
    walk.at = at + 1
    walk.draft.groups.append(_time_group(walk, mention) or mention)
    _more_groups(walk)


def _time_group(walk: Walk, mention: Mention) -> TimeGroup | None:
    """`per month` of a date, where no column is called month."""
    if mention.text in TIME_UNITS and all(m.way != "exact" for m in mention.names):
        return TimeGroup(TIME_UNITS[mention.text], None, mention.place)
    return None


def _more_groups(walk: Walk) -> None:
    """`for each author and year`."""
    at = walk.at
    if at + 1 < len(walk.items) and walk.items[at].low in ("and", ","):
        following = walk.mention(walk.skip(at + 1))
        if following and measures.ends_list(walk, following.place + 1):
            walk.draft.groups.append(_time_group(walk, following) or following)
            walk.at = following.place + 1


def by(walk: Walk) -> None:
    """`by`: divides a measure, orders what is ranked, or only says who did it."""
    at = walk.skip(walk.at + 1)
    if walk.sorting:
        _sort_key(walk, at)
        return
    item = walk.items[at] if at < len(walk.items) else None
    if item is None:
        walk.draft.failed = "nothing after by"
        return
    waiting = walk.draft.ranking is not None and walk.draft.ranking.by is None
    if item.kind == "cue" and (found := measures.read_measure(walk, at)):
        found_measures, end = found
        if waiting and walk.draft.ranking is not None:
            ranking.rank(walk, Sort(found_measures[0], walk.draft.ranking.descending))
            walk.at = end
        elif walk.draft.ranking is None and not walk.draft.sorts:
            walk.draft.sorts.append(Sort(found_measures[0], True))
            walk.at = end
        else:
            walk.draft.failed = "two orders"
        return
    if item.is_cue("most", "least"):
        walk.at = at
        return
    mention = walk.mention(at)
    if mention is not None and item.kind == "name":
        if waiting and walk.draft.ranking is not None:
            ranking.rank(walk, Sort(mention, walk.draft.ranking.descending))
            walk.at = at + 1
        elif walk.draft.measures and not _after_verb(walk) and not _described(walk, at + 1):
            walk.at = at + 1
            walk.draft.groups.append(_time_group(walk, mention) or mention)
            _more_groups(walk)
        return
    if item.low in TIME_UNITS:
        walk.draft.groups.append(TimeGroup(TIME_UNITS[item.low], None, at))
        walk.at = at + 1


def _described(walk: Walk, at: int) -> bool:
    """`by users who …`, `by authors in each continent` say which ones, they do not divide."""
    item = walk.item(at)
    if item is not None and item.is_cue("group") and item.low != "per":
        return True
    return item is not None and item.low in ("who", "that", "which", "whose", "with", "from")


def _after_verb(walk: Walk) -> bool:
    """`written by`, `offered by`: no grouping."""
    before = walk.items[walk.at - 1] if walk.at else None
    return before is not None and (before.kind in ("light", "word") or before.low[-2:] == "ed")


def order(walk: Walk) -> None:
    """`ordered by cost in descending order`, `from highest to lowest`."""
    item = walk.items[walk.at]
    if item.cue == "order":
        walk.sorting = True
        _sort_key(walk, walk.skip(walk.at + 1, frozenset({"by", "results", "in"})))
        return
    descending = item.cue == "desc"
    if walk.draft.sorts:
        walk.draft.sorts[-1] = replace(walk.draft.sorts[-1], descending=descending)
    else:
        walk.draft.sorts.append(Sort(None, descending))
        following = walk.skip(walk.at + 1)
        if item.low.startswith("starting") and (mention := walk.mention(following)):
            walk.draft.sorts[-1] = Sort(mention, descending)
            walk.at = following + 1
            _drop_end_of_range(walk)


def _drop_end_of_range(walk: Walk) -> None:
    """`… to the lowest` says the same again."""
    at = walk.skip(walk.at, frozenset({"to"}))
    if at > walk.at and at < len(walk.items) and walk.items[at].is_cue("most", "least"):
        walk.at = at + 1


def _sort_key(walk: Walk, at: int) -> None:
    if at >= len(walk.items):
        return
    item = walk.items[at]
    descending = False
    if walk.draft.sorts and walk.draft.sorts[-1].by is None:
        descending = walk.draft.sorts.pop().descending
    if found := measures.read_measure(walk, at) if item.kind == "cue" else None:
        walk.draft.sorts.append(Sort(found[0][0], descending))
        walk.at = found[1]
    elif (mention := walk.mention(at)) and item.kind == "name":
        walk.draft.sorts.append(Sort(mention, descending))
        walk.at = at + 1
    elif item.is_cue("asc", "desc"):
        walk.draft.sorts.append(Sort(None, item.cue == "desc"))
        walk.at = at + 1
    elif item.is_cue("by"):
        _sort_key(walk, walk.skip(at + 1))
    elif item.low in TIME_UNITS:
        walk.at = at + 1
    else:
        walk.at = at
