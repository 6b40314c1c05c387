"""Plans, nodes and calls as JSON: for the answer's `plan`, and for its trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from app.domain.hit import Found, Hit
from app.domain.lfd import Fusing, Lfd
from app.engine.operators.operate import Undecided, Verdict
from app.engine.reasoning.found import Hop, Round
from app.engine.reasoning.join import Joined
from app.engine.reasoning.lag import Thought
from app.engine.run import Call, Run

_GUESSES = 3


def plan(thought: Thought, short: str | None = None) -> dict[str, Any] | None:
    """The plan with what became of each node; None if the question was not split.

    Args:
        short: The short answer of the question, which is the last node's where it has none.
    """
    made = thought.plan
    if made is None:
        return None
    joined = {one.node.id: one for one in thought.joined}
    return {
        "source": made.source,
        "kind": thought.planning.kind if thought.planning else "",
        "repairs": made.repairs,
        "nodes": [
            {
                "id": node.id,
                "text": node.text,
                "needs": list(node.needs),
                "op": node.op,
                "expects": node.expects,
                **_outcome(thought.hops.get(node.id), joined.get(node.id)),
                **({"answer": short} if short and node == made.final else {}),
            }
            for node in made.nodes
        ],
    }


def searched(number: int, why: str, found: Found) -> dict[str, Any]:
    """One search for the whole question: how it was ranked, and what each channel gave."""
    return {"round": number, "why": why, **found.trace, "fused": _fused(found.hits)}


def reasoning(thought: Thought, rounds: Sequence[Mapping[str, Any]], run: Run) -> dict[str, Any]:
    """Gate, plan, rounds of every node, operators, calls and budget.

    Args:
        rounds: Of the whole question, as `searched` gives them.
    """
    ranks = thought.plan.ranks() if thought.plan else []
    place = {id: number for number, rank in enumerate(ranks) for id in rank}
    looped = thought.looped
    signals = looped.signals if looped else ()
    return {
        "gate": dict(thought.gate),
        "plan_issues": list(thought.planning.issues) if thought.planning else [],
        "nodes": [_node(hop, place.get(hop.node.id, 0)) for hop in thought.hops.values()],
        "rounds": [
            {**one, **(signals[place] if place < len(signals) else {})}
            for place, one in enumerate(rounds)
        ],
        "stop_reason": looped.reason if looped else "single_round",
        "operators": [_operator(one) for one in thought.joined],
        "llm_calls": [_call(one, run.generation.lfd) for one in run.calls],
        **_lfd(run.generation.lfd),
        "budget": _budget(run),
    }


def _outcome(hop: Hop | None, joined: Joined | None) -> dict[str, Any]:
    if hop is not None:
        return {"status": hop.status, "answer": hop.said, "reason": hop.reason}
    match joined.result if joined else None:
        case Verdict(short=short):
            return {"status": "resolved", "answer": short, "reason": "computed"}
        case Undecided(reason=reason):
            return {"status": "stopped", "answer": None, "reason": reason}
        case _:
            return {"status": "open", "answer": None, "reason": ""}


def _node(hop: Hop, rank: int) -> dict[str, Any]:
    return {
        "id": hop.node.id,
        "rank": rank,
        "bound_text": hop.text,
        "status": hop.status,
        "reason": hop.reason,
        "answer": hop.said,
        "support": hop.answer.support if hop.answer else None,
        "guesses": [
            {"text": guess.text, "score": guess.score, "chunk_id": guess.passage.key}
            for guess in hop.guesses[:_GUESSES]
        ],
        "memory_hit": hop.remembered,
        "ms": hop.ms,
        "rounds": [_round(one) for one in hop.rounds],
    }


def _round(one: Round) -> dict[str, Any]:
    return {
        "round": one.number,
        "query": one.query,
        "why": one.why,
        "channels": [
            {
                "channel": seen.channel,
                "status": seen.status,
                "found": seen.count,
                "took_ms": seen.ms,
                "detail": seen.detail,
                "hits": [list(hit) for hit in seen.hits],
            }
            for seen in one.channels
        ],
        "fused": _fused(one.fused),
        "new": one.new,
        **one.signals,
    }


def _fused(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """The order that was made of the channels' lists, with where each had put the passage."""
    return [
        {
            "key": hit.key,
            "score": hit.score,
            "channels": {name: [at.rank, at.score] for name, at in hit.channels.items()},
        }
        for hit in hits
    ]


def _operator(one: Joined) -> dict[str, Any]:
    decided = isinstance(one.result, Verdict)
    return {
        "id": one.node.id,
        "op": one.node.op,
        "inputs": [sub.text for sub in one.operands],
        "result": asdict(one.result),
        "status": "resolved" if decided else "undecidable",
    }


def _lfd(settled: Lfd | None) -> dict[str, Any]:
    """What the last probe had found when the question came; nothing where there is no model."""
    if settled is None:
        return {}
    probed = settled.probed
    at = probed.checked_at and probed.checked_at.isoformat(timespec="milliseconds")
    return {"lfd": {"state": probed.state, "reason": probed.reason, "checked_at": at}}


def _call(one: Call, settled: Lfd | None) -> dict[str, Any]:
    prompt: Mapping[str, Any] = asdict(one.prompt) if one.prompt else {}
    return {
        "step": one.step,
        "outcome": one.outcome,
        "model": one.model,
        "calls": one.spent.calls,
        "prompt_tokens": one.spent.prompt_tokens,
        "completion_tokens": one.spent.completion_tokens,
        "estimated": one.spent.estimated,
        "ms": one.ms,
        "detail": one.detail,
        **({"lfd": _fusing(one.fusing, settled)} if settled else {}),
        "prompt": prompt,
    }


def _fusing(done: Fusing | None, settled: Lfd) -> dict[str, Any]:
    """Steps that return JSON are never asked to, whatever the question wants of its answer."""
    sent = done is not None and done.sent
    return {
        "asked": done is not None and done.wish.asked,
        "sent": sent,
        "alpha": settled.alpha if sent else None,
        "weight": settled.weight if sent else None,
        "every": settled.every if sent else None,
        "state": done.state if done else settled.probed.state,
    }


def _budget(run: Run) -> dict[str, Any]:
    budget, ledger = run.ledger.budget, run.ledger
    return {
        "limits": asdict(budget),
        "used": {
            "llm_calls": ledger.spent.calls,
            "prompt_tokens": ledger.spent.prompt_tokens,
            "completion_tokens": ledger.spent.completion_tokens,
            "store_queries": ledger.store_queries,
        },
        "limited_by": list(run.limited),
    }
