"""Completes a draft: what the rows stand for, what is shown, and what names left over mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from retrievers.sql.questions.draft import (
    DateIn,
    Draft,
    Holds,
    Lacks,
    Measure,
    Mention,
    NumberIs,
    ValueIs,
)
from retrievers.sql.questions.language.meanings import ADJECTIVES
from retrievers.sql.questions.walk.cues import BEING, DIRECTIVES, POSSESSION, POSSESSIVE
from retrievers.sql.questions.walk.items import Item
from retrievers.sql.questions.walk.walk import Walk

ASKING = DIRECTIVES | {"what", "which", "who", "whose", "how", "find", "get", "name", "tell"}
_LINKING = frozenset({"the", "all", "a", "an", "each", "their", "its"})
_OWNING = frozenset({"of", "for", "from", "in", "among", "amongst", "across"})


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
        rest = _find_target(draft, names, walk.items)
    else:
        first = min(m.of.place for m in _main_measures(draft))
        lead = [m for m in names if m.place < first]
        if any(m.tables for m in lead) and not draft.groups:
            rest = _find_target(draft, names, walk.items)
        else:
            draft.outputs[:0] = lead
            rest = [m for m in names if m.place > first]
    _place_rest(draft, rest, walk.items)
    draft.outputs = _owned_outputs(draft.outputs, walk.items)
    _settle_groups(draft)
    _settle_ors(draft)
    lacking = [c.place for c in draft.conditions if isinstance(c, Lacks)]
    if lacking and any(c.place > min(lacking) for c in draft.conditions):
        draft.failed = "a condition on what is missing"
    plain = listing and not (draft.conditions or draft.havings or draft.ranking)
    if plain and not any(item.low in ASKING for item in walk.items):
        draft.failed = "nothing is asked"  # a mere noun looks for documents about it
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
    owned = [m for m in bare if _before(items, m.place) in _OWNING]
    if len(owned) == len(bare) or not any(m.tables for m in bare):
        function = "max" if ranking.descending else "min"
        draft.measures.insert(0, Measure("max" if function == "max" else "min", ranking.by))
        draft.ranking = None


def _find_target(draft: Draft, bare: list[Mention], items: Sequence[Item]) -> list[Mention]:
    """Take the target and what is asked of it off the names; the rest is returned."""
    if not bare:
        return []
    lead = [bare[0]]
    for mention in bare[1:]:
        if not _list_joined(items, lead[-1].place, mention.place):
            break
        lead.append(mention)
    rest = bare[len(lead) :]
    if lead[0].tables and not (len(lead) == 1 and rest and _asks_column(lead[0], rest[0], items)):
        draft.target = lead[0]
        draft.outputs[:0] = lead[1:]
        return rest
    owner = rest[0] if rest and rest[0].tables else None
    each = next((m for m in rest if draft.each and items[m.place - 1].is_cue("group")), None)
    if each is not None:
        draft.target, rest = each, [m for m in rest if m is not each]
        draft.outputs[:0] = [_within(mention, each) for mention in lead]
    elif owner is not None and _before(items, owner.place) in _OWNING:
        draft.target, rest = owner, rest[1:]
        draft.outputs[:0] = [_within(mention, owner) for mention in lead]
    elif len(lead) == 1 and not _attribute(draft, lead[0]):
        draft.target = lead[0]
    else:
        draft.outputs[:0] = lead
    return rest


def _attribute(draft: Draft, mention: Mention) -> bool:
    """`population of Chicago`: a value follows whose row it is an attribute of."""
    return any(
        isinstance(c, ValueIs) and mention.place < c.place <= mention.place + 4 and c.role == "of"
        for c in draft.conditions
    )


def _asks_column(first: Mention, owner: Mention, items: Sequence[Item]) -> bool:
    """`the author of the paper` where paper has a column author."""
    if _before(items, owner.place) != "of" or not owner.tables:
        return False
    return any(c.table == t.table and c.way == "exact" for c in first.columns for t in owner.tables)


def _within(mention: Mention, owner: Mention) -> Mention:
    """The mention's meanings that lie in its owner's table, if any do.

    The name of a thing that has no column of that name is whatever it is called by.
    """
    tables = {meaning.table for meaning in owner.tables}
    names = tuple(n for n in mention.names if n.column is not None and n.table in tables)
    if not names and mention.text in ("name", "names", "full name", "full names"):
        return replace(mention, names=owner.tables)
    return replace(mention, names=names) if names else mention


def _place_rest(draft: Draft, rest: list[Mention], items: Sequence[Item]) -> None:
    holds: Holds | None = None
    last: Mention | None = None
    for mention in rest:
        again = _said_again(mention, items)
        if again and mention.tables and draft.measures and draft.conditions:
            draft.failed = "a number of more than what was asked for first"
        if again or _is_verb(mention, items):
            draft.verbs.append((mention.text, mention.place))
            continue
        before = _words_before(items, mention.place)
        joined = last is not None and _list_joined(items, last.place, mention.place)
        if joined and holds is not None:
            if items[mention.place - 1].low == "or" or "or" in before:
                draft.conditions[-1] = replace(holds, alternative=mention)
            else:
                holds = Holds(mention.place, False, mention)
                draft.conditions.append(holds)
        elif mention.tables:
            holds = None
            draft.hints.append(mention)
            if "all" in before and not draft.measures:
                draft.failed = "all of them"  # each single one, which no join says
        elif before & POSSESSIVE or (joined and any(last is o for o in draft.outputs)):
            holds = None
            draft.outputs.append(mention)
        elif before & (POSSESSION | BEING):
            holds = Holds(mention.place, False, mention, None, not before & POSSESSION)
            draft.conditions.append(holds)
        else:
            draft.words.append((mention.text, mention.place))
        last = mention


def _said_again(mention: Mention, items: Sequence[Item]) -> bool:
    """`in that venue`: the one spoken of before."""
    if items[mention.place - 1].low not in ("that", "this", "those", "these", "such"):
        return False
    return any(item.names == mention.names for item in items[: mention.place - 1])


def _is_verb(mention: Mention, items: Sequence[Item]) -> bool:
    """`shipped to`, `hired in`: a verb, though a column is called by it too."""
    after = items[mention.place + 1].low if mention.place + 1 < len(items) else ""
    after = after.partition(" ")[0]
    past = mention.text.endswith("ed") and not mention.tables
    return past and after in ("to", "by", "in", "on", "from", "at", "with", "for", "during")


def _owned_outputs(
    outputs: list[Mention | Measure], items: Sequence[Item]
) -> list[Mention | Measure]:
    """`names of the conferences` is one output, not two."""
    found: list[Mention | Measure] = []
    for output in outputs:
        before = found[-1] if found else None
        if (
            isinstance(output, Mention)
            and output.tables
            and isinstance(before, Mention)
            and before.columns
            and _before(items, output.place) == "of"
        ):
            found[-1] = _within(before, output)
        else:
            found.append(output)
    return found


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


def _settle_ors(draft: Draft) -> None:
    """An "or" joins the conditions around it; anything else with it is not understood."""
    plain = (ValueIs, NumberIs, DateIn)
    for place in draft.ors:
        before = [c for c in draft.conditions if c.place < place]
        after = [c for c in draft.conditions if c.place > place]
        held = any(isinstance(c, Holds) and c.alternative and c.place < place for c in before)
        if held:
            continue
        pair = (before[-1:], after[:1])
        if not pair[0] or not pair[1] or len(draft.ors) > 1 or draft.havings:
            draft.failed = "an or between what is not conditions"
            return
        one, other = pair[0][0], pair[1][0]
        if not isinstance(one, plain) or not isinstance(other, plain):
            draft.failed = "an or between what is not conditions"
            return
        draft.either.append((one, other))


def _list_joined(items: Sequence[Item], first: int, second: int) -> bool:
    """`name, email and phone`."""
    between = items[first + 1 : second]
    links = [item for item in between if item.low in (",", "and", "or", "&", "/")]
    others = [item for item in between if item not in links]
    return bool(links) and all(item.low in _LINKING for item in others)


def _before(items: Sequence[Item], place: int) -> str:
    """The word before a name; articles, numbers and superlatives aside."""
    at = place - 1
    while at >= 0 and (
        items[at].low in _LINKING
        or items[at].is_cue("most", "least", "distinct")
        or items[at].kind == "number"
        or items[at].low in ADJECTIVES
    ):
        at -= 1
    if at >= 0 and items[at].is_cue("group"):
        return "of"
    return items[at].low if at >= 0 else ""


def _words_before(items: Sequence[Item], place: int) -> set[str]:
    """The small words directly before a name, back to the last word that says something."""
    found: set[str] = set()
    at = place - 1
    while at >= 0 and (items[at].kind in ("stop", "light", "word") or items[at].low == "or"):
        found.add(items[at].low)
        at -= 1
    return found
