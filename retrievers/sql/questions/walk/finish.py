"""Completes a draft: what the rows stand for, what is shown, and what names left over mean."""

from __future__ import annotations

from collections.abc import Sequence

from retrievers.sql.questions.draft import Draft, Measure, Mention
from retrievers.sql.questions.walk.doubts import doubt
from retrievers.sql.questions.walk.items import Item
from retrievers.sql.questions.walk.placing import (
    OWNING,
    before,
    find_target,
    owned_outputs,
    place_rest,
)
from retrievers.sql.questions.walk.walk import Walk


def finish(walk: Walk) -> Draft:
    """The draft with target, outputs and hints; `failed` where the names do not add up."""
    draft = walk.draft
    if draft.failed:
        return draft
    draft.who = bool(walk.items) and walk.items[0].low in ("who", "whom")
    names = [mention for mention, _ in walk.bare]
    if not (draft.measures or draft.havings or draft.ranking):
        names = _with_each(draft, names)
    _settle_ranking(draft, names, walk.items)
    listing = draft.ranking is not None or not _main_measures(draft)
    if listing:
        rest = find_target(draft, names, walk.items)
    else:
        first = min(m.of.place for m in _main_measures(draft))
        lead = [m for m in names if m.place < first]
        if any(m.tables for m in lead) and not draft.groups:
            rest = find_target(draft, names, walk.items)
        else:
            draft.outputs[:0] = lead
            rest = [m for m in names if m.place > first]
    place_rest(draft, rest, walk.items)
    draft.outputs = owned_outputs(draft.outputs, walk.items)
    _settle_groups(draft)
    if draft.exists and draft.target is not None and not draft.outputs:
        # "are there any": the number says so, and more.
        draft.measures = [Measure("count", draft.target, False, True)]
        draft.target, listing = None, False
    doubt(draft, walk.items, listing)
    return draft


def _with_each(draft: Draft, names: list[Mention]) -> list[Mention]:
    """`the name of each ship` lists ships; there is nothing to group."""
    each = [group for group in draft.groups if isinstance(group, Mention)]
    if len(each) != 1 or len(draft.groups) != 1:
        return names
    draft.groups, draft.each = [], True
    return sorted([*names, *each], key=lambda mention: mention.place)


def _main_measures(draft: Draft) -> list[Measure]:
    return [m for m in draft.measures if not any(m is output for output in draft.outputs)]


def _settle_ranking(draft: Draft, bare: list[Mention], items: Sequence[Item]) -> None:
    """`the highest price of products` is a maximum, not a product."""
    ranking = draft.ranking
    if ranking is None or not isinstance(ranking.by, Mention) or draft.limit is not None:
        return
    place = ranking.by.place
    if any(mention.place < place for mention in bare):
        return
    owned = [m for m in bare if before(items, m.place) in OWNING]
    if len(owned) == len(bare) or not any(m.tables for m in bare):
        function = "max" if ranking.descending else "min"
        draft.measures.insert(0, Measure("max" if function == "max" else "min", ranking.by))
        draft.ranking = None


def _settle_groups(draft: Draft) -> None:
    """A ranking per group needs two steps; asking twice for the same thing does not."""
    if draft.target is not None and draft.groups:
        same = [
            group
            for group in draft.groups
            if isinstance(group, Mention) and group.names == draft.target.names
        ]
        draft.groups = [group for group in draft.groups if group not in same]
    if draft.groups and draft.ranking is not None:
        if draft.target is not None or draft.limit is None:
            draft.failed = "the best of each group"
        else:
            draft.sorts.insert(0, draft.ranking)
            draft.ranking = None
    counted = [m for m in _main_measures(draft) if m.function == "count"]
    if draft.havings and counted and not draft.groups and draft.target is None:
        draft.counts_target = True
        draft.target = counted[0].of
    if draft.ranking is not None and draft.target is None and not draft.outputs:
        draft.failed = "nothing that is ranked"
    asked = draft.ranking or draft.measures or draft.target or draft.outputs
    if not asked:
        draft.failed = "nothing is asked for"
