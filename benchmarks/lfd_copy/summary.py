"""What all seeds together say: means, spreads, and paired differences with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

import torch

from benchmarks import report
from benchmarks.lfd_copy.decoding import Shares
from benchmarks.lfd_copy.facts import KINDS
from benchmarks.lfd_copy.grid import DEFAULT, PLAIN

_DRAWS = 1_000
_EACH = {
    "conflicting": ("context", "memory", "begun_context", "begun_memory"),
    "agreeing": ("memory",),
    "without": ("memory",),
}
_SHOWN = (("conflicting", "context"), ("agreeing", "memory"), ("without", "memory"))


def summary(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of the seeds' measurements; all shares in percent.

    Returns:
        `answers`: kind of question, then way of decoding, then what was answered, as `mean`, `sd`
        over the seeds and `each` of them; `minus_plain` is the paired difference with `low` and
        `high` ends of its interval. `agreement`: way of choosing, then shares of tokens.
    """
    found: dict[str, Any] = {kind: {} for kind in KINDS}
    for kind in KINDS:
        for name in runs[0]["answers"][kind]:
            shares = [run["answers"][kind][name] for run in runs]
            plain = [run["answers"][kind][PLAIN] for run in runs]
            found[kind][name] = {
                what: {**_spread(shares, what), "minus_plain": _difference(shares, plain, what)}
                for what in _EACH[kind]
            }
    return {"answers": found, "agreement": _agreement(runs), "loss": [run["loss"] for run in runs]}


def _spread(shares: Sequence[Shares], what: str) -> dict[str, Any]:
    each = [round(100.0 * mean(getattr(one, what)), 2) for one in shares]
    return {"mean": mean(each), "sd": stdev(each) if len(each) > 1 else 0.0, "each": each}


def _difference(ours: Sequence[Shares], plain: Sequence[Shares], what: str) -> dict[str, float]:
    """Paired by question; seeds are drawn, and of each drawn one questions, with replacement."""
    gained = torch.tensor([getattr(one, what) for one in ours], dtype=torch.float32)
    gained -= torch.tensor([getattr(one, what) for one in plain], dtype=torch.float32)
    draw = torch.Generator().manual_seed(0)
    seeds, questions = gained.shape
    which = torch.randint(seeds, (_DRAWS, seeds, 1), generator=draw)
    those = torch.randint(questions, (_DRAWS, seeds, questions), generator=draw)
    means = gained[which, those].mean((1, 2))
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975])).tolist()
    return {"mean": 100 * gained.mean().item(), "low": 100 * low, "high": 100 * high}


def _agreement(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found = {}
    for way in runs[0]["agreement"]:
        counts = [run["agreement"][way] for run in runs]
        layers, tokens, seen = (sum(column) for column in zip(*counts, strict=True))
        found[way] = {
            "same_layer": 100 * layers / seen,
            "same_token": 100 * tokens / seen,
            "tokens": seen,
            "same_layer_each": [round(100 * one[0] / one[2], 2) for one in counts],
        }
    return found


def show(result: Mapping[str, Any]) -> None:
    """Print the tables."""
    found = result["answers"]
    names = list(found["conflicting"])
    print("percent of answers; differences to plain decoding with intervals of 95 %")
    report.table(
        (
            "decoding",
            "conflict: context",
            "sd",
            "memory",
            "begun as memory",
            "minus plain",
            "agreeing",
            "without",
        ),
        [_row(found, name) for name in names],
    )
    if not result["agreement"]:
        return
    for kind, what in _SHOWN:
        print(f"{kind}, {what}: {PLAIN} {found[kind][PLAIN][what]['each']}")
        print(f"{kind}, {what}: {DEFAULT} {found[kind][DEFAULT][what]['each']}")
    print("\npercent of tokens that are as in the exact mode; of a fixed layer, how often chosen")
    report.table(
        ("layer by", "same layer", "same token"),
        [(way, row["same_layer"], row["same_token"]) for way, row in result["agreement"].items()],
    )


def _row(found: Mapping[str, Any], name: str) -> tuple[object, ...]:
    conflict = found["conflicting"][name]
    gained = conflict["context"]["minus_plain"]
    return (
        name,
        conflict["context"]["mean"],
        conflict["context"]["sd"],
        conflict["memory"]["mean"],
        conflict["begun_memory"]["mean"],
        f"{gained['mean']:+.1f} [{gained['low']:+.1f}, {gained['high']:+.1f}]",
        *(_with_difference(found[kind][name]["memory"]) for kind in ("agreeing", "without")),
    )


def _with_difference(share: Mapping[str, Any]) -> str:
    gained = share["minus_plain"]
    return f"{share['mean']:.1f} ({gained['low']:+.1f} to {gained['high']:+.1f})"
