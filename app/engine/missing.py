"""Says what is missing: from an answer that is given all the same, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.hit import Found
from app.engine.budget import Budget
from app.engine.sanitise import sanitise
from app.engine.steps.write import Draft

_CHANNELS = {"vector": "vector", "fulltext": "full-text", "graph": "graph", "sql": "table"}


def unmentioned(draft: Draft) -> list[str]:
    """The question's names, where the passages mention none of them."""
    missing = draft.support.missing if draft.support else ()
    if not missing or len(missing) != len(draft.asked.names):
        return []
    names = ", ".join(f"“{sanitise(name)}”" for name in missing)
    return [f"The passages found do not mention {names}."]


def differing(draft: Draft) -> list[str]:
    """Two documents contradict each other; which of them is right is not for us to say."""
    if draft.differing is None:
        return []
    one, other = (sanitise(value) for value in draft.differing)
    return [f"The sources differ: “{one}” against “{other}”."]


def left_out(dropped: int) -> list[str]:
    """Quotes that no longer stand."""
    if not dropped:
        return []
    what = "A sentence was" if dropped == 1 else f"{dropped} sentences were"
    return [f"{what} left out: the document changed while this was written."]


def nothing(draft: Draft, found: Found) -> str:
    """One sentence that says there is no answer, and what was searched."""
    if draft.reason == "store unavailable":
        return (
            "No answer: the question counts or sums, which needs the SQL source, and that did not"
            " answer."
        )
    searched = _searched(found)
    if not draft.read:
        return f"No answer was found: {searched} search of this collection returned no passage."
    if draft.read == 1:
        return (
            f"No answer was found: the passage that {searched} search returned does not hold one."
        )
    return (
        f"No answer was found: the {draft.read} passages that {searched} search returned do not"
        " hold one."
    )


def unheld(found: Found) -> str:
    """A model read the passages and found no answer."""
    return f"No answer was found: the passages that {_searched(found)} search returned hold none."


def unverified(dropped: int) -> list[str]:
    """Statements of a model that the passages do not support."""
    if not dropped:
        return []
    if dropped == 1:
        return ["A statement was left out, because the passages do not support it."]
    return [f"{dropped} statements were left out, because the passages do not support them."]


def cut(happened: bool) -> list[str]:
    """The model broke off."""
    return ["The answer ends early: the model broke off."] if happened else []


def limited(limits: Sequence[str]) -> str:
    """What the budget kept from being done."""
    said = {"llm": "calls to the model", "store_queries": "queries", "seconds": "time"}
    names = " and ".join(said.get(name, name) for name in limits)
    return f"The question's budget of {names} ended before it was worked out."


def out_of_time(budget: Budget, found: Found | None, written: str) -> str:
    """The deadline passed."""
    limit = f"the limit of {budget.seconds:g} seconds passed"
    if written:
        return f"The answer ends early: {limit}."
    what = "its quotes were verified" if found else "anything was found"
    return f"No answer: {limit} before {what}."


def tables_lost(found: Found) -> bool:
    """Whether the SQL channel was asked and failed; left out by a filter, it was not asked."""
    return any(
        entry["channel"] == "sql" and entry.get("status") in ("timeout", "error", "skipped")
        for entry in _channels(found)
    )


def _searched(found: Found) -> str:
    """The channels that answered, as in "vector, full-text and graph"."""
    ran = [
        _CHANNELS.get(entry["channel"], entry["channel"])
        for entry in _channels(found)
        if entry.get("status") == "ok"
    ]
    if not ran:
        ran = sorted({_CHANNELS.get(name, name) for hit in found.hits for name in hit.channels})
    return " and ".join(part for part in (", ".join(ran[:-1]), *ran[-1:]) if part) or "the"


def _channels(found: Found) -> Sequence[Mapping[str, Any]]:
    channels: Sequence[Mapping[str, Any]] = found.trace.get("channels", ())
    return channels
