"""Where the names without a cue belong: what is listed, what is shown of it, what goes along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from retrievers.sql.questions.draft import Draft, Holds, Measure, Mention, ValueIs
from retrievers.sql.questions.language.meanings import ADJECTIVES
from retrievers.sql.questions.walk.cues import BEING, POSSESSION, POSSESSIVE
from retrievers.sql.questions.walk.items import Item

_LINKING = frozenset({"the", "all", "a", "an", "each", "their", "its"})
OWNING = frozenset({"of", "for", "from", "in", "among", "amongst", "across"})


def find_target(draft: Draft, bare: list[Mention], items: Sequence[Item]) -> list[Mention]:
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
    elif owner is not None and before(items, owner.place) in OWNING:
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
    if before(items, owner.place) != "of" or not owner.tables:
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


def place_rest(draft: Draft, rest: list[Mention], items: Sequence[Item]) -> None:
    """Names beside the target: a condition, one more thing to show, or a table to go through."""
    holds: Holds | None = None
    last: Mention | None = None
    for mention in rest:
        again = _said_again(mention, items)
        if again and mention.tables and draft.measures and draft.conditions:
            draft.failed = "a number of more than what was asked for first"
        if again or _is_verb(mention, items):
            draft.verbs.append((mention.text, mention.place))
            continue
        small = _words_before(items, mention.place)
        joined = last is not None and _list_joined(items, last.place, mention.place)
        if joined and holds is not None:
            if items[mention.place - 1].low == "or" or "or" in small:
                draft.conditions[-1] = replace(holds, alternative=mention)
            else:
                holds = Holds(mention.place, False, mention)
                draft.conditions.append(holds)
        elif mention.tables:
            holds = None
            draft.hints.append(mention)
            if "all" in small and not draft.measures:
                draft.failed = "all of them"  # each single one, which no join says
        elif small & POSSESSIVE or (joined and any(last is o for o in draft.outputs)):
            holds = None
            draft.outputs.append(mention)
        elif small & (POSSESSION | BEING):
            holds = Holds(mention.place, False, mention, None, not small & POSSESSION)
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


def owned_outputs(
    outputs: list[Mention | Measure], items: Sequence[Item]
) -> list[Mention | Measure]:
    """`names of the conferences` is one output, not two."""
    found: list[Mention | Measure] = []
    for output in outputs:
        last = found[-1] if found else None
        if (
            isinstance(output, Mention)
            and output.tables
            and isinstance(last, Mention)
            and last.columns
            and before(items, output.place) == "of"
        ):
            found[-1] = _within(last, output)
        else:
            found.append(output)
    return found


def _list_joined(items: Sequence[Item], first: int, second: int) -> bool:
    """`name, email and phone`."""
    between = items[first + 1 : second]
    links = [item for item in between if item.low in (",", "and", "or", "&", "/")]
    others = [item for item in between if item not in links]
    return bool(links) and all(item.low in _LINKING for item in others)


def before(items: Sequence[Item], place: int) -> str:
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
