"""The ranking gate: whether bridge selection orders the result, or shares it with flat fusion.

It reads the collection, not the wording: how specific the question's entities are, and how much of
the question the first pick covers already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.engine.ranking.fusion import fuse_ranks

Branch = Literal["topical", "covered", "bridge"]


@dataclass(frozen=True, slots=True)
class GateOptions:
    """Thresholds, chosen on development questions."""

    specific: float = 0.65
    """Below this specificity nothing particular is named: a topical search."""
    covered: float = 0.8
    """Above this share the first pick nearly answers the question: one hop."""
    topical_k: float = 2.0  # rank constant of the topical fusion
    topical_depth: int = 50
    kept: int = 4  # bridge picks before the best flat passage, when covered
    flat_depth: int = 5  # ranks of the flat list in which that passage is looked for


@dataclass(frozen=True, slots=True)
class Decision:
    """The branch taken and the two numbers that decided; goes into the trace."""

    branch: Branch
    specificity: float
    covered: float

    @property
    def strategy(self) -> Literal["single", "multihop"]:
        """What the response calls it."""
        return "multihop" if self.branch == "bridge" else "single"


def decide(specificity: float, covered: float, options: GateOptions | None = None) -> Decision:
    """Choose the branch.

    Args:
        specificity: `Profile.specificity`.
        covered: Share of the question's term weight in the first pick.
    """
    options = options or GateOptions()
    branch: Branch = "bridge"
    if specificity < options.specific:
        branch = "topical"
    elif covered > options.covered:
        branch = "covered"
    return Decision(branch, specificity, covered)


def arrange(
    branch: Branch,
    bridge: Sequence[str],
    flat: Sequence[str],
    options: GateOptions | None = None,
) -> list[str]:
    """The final order of keys, from the bridge order and the flat (fused) order."""
    options = options or GateOptions()
    if branch == "topical":
        lists = [bridge[: options.topical_depth], flat[: options.topical_depth]]
        scores = dict(fuse_ranks(lists, k=options.topical_k))
        # The two first passages often tie, and the flat order is the better one here.
        place = {key: rank for rank, key in enumerate(flat)}
        return sorted(scores, key=lambda key: (-scores[key], place.get(key, len(flat)), key))
    if branch == "covered":
        head = list(bridge[: options.kept])
        insured = [key for key in flat[: options.flat_depth] if key not in head][:1]
        return [*head, *insured, *(key for key in bridge[options.kept :] if key not in insured)]
    return list(bridge)
