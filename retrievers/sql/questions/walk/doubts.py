"""What makes a draft, though complete, no likely reading of its question."""

from __future__ import annotations

from collections.abc import Sequence

from retrievers.sql.questions.draft import DateIn, Draft, Holds, Lacks, NumberIs, ValueIs
from retrievers.sql.questions.walk.cues import DIRECTIVES
from retrievers.sql.questions.walk.items import Item

LISTING = DIRECTIVES | {"lists", "shows", "exist", "exists", "existing", "available", "present"}
LISTING |= {"database", "databases", "record", "records", "entries", "rows", "table", "tables"}
LISTING |= {"find", "get", "retrieve", "tell", "know", "like", "see", "identify", "determine"}
LISTING |= {"details", "information", "following", "all", "results"}
ASKING = DIRECTIVES | {"what", "which", "who", "whose", "how", "find", "get", "name", "tell"}


def doubt(draft: Draft, items: Sequence[Item], listing: bool) -> None:
    """Let the draft fail where the question rather asks for something else."""
    _settle_ors(draft)
    alternatives = [c for c in draft.conditions if isinstance(c, ValueIs) and len(c.values) > 1]
    if draft.compares and (len(alternatives) != 1 or draft.ranking is None or draft.limit):
        draft.failed = "more than what"
    lacking = [c.place for c in draft.conditions if isinstance(c, Lacks)]
    if lacking and any(c.place > min(lacking) for c in draft.conditions):
        draft.failed = "a condition on what is missing"
    if items and items[0].low in ("where", "when", "why", "how"):
        draft.failed = "not a question for a number or a list"
    plain = listing and not (draft.conditions or draft.havings or draft.ranking)
    if plain and not any(item.low in ASKING for item in items):
        draft.failed = "nothing is asked"  # a mere noun looks for documents about it
    if plain and any(item.low in ("you", "your", "my") for item in items):
        draft.failed = "somebody is spoken to"
    if plain and not (draft.hints or draft.sorts or draft.each) and _says_more(draft):
        draft.failed = "a verb with nothing else"  # "what does the company sell"


def _says_more(draft: Draft) -> bool:
    """Whether a plain list is asked for with more than the words for listing."""
    return bool({word for word, _ in draft.verbs} - LISTING)


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
