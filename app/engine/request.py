"""What is asked of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.engine.run import Generation
from retrievers.filters import EVERYTHING, Filter

Reasoning = Literal["auto", "direct", "lag"]


@dataclass(frozen=True, slots=True)
class Request:
    """One question.

    Args:
        reasoning: `lag` splits the question if a plan is found, `direct` never, `auto` if it is
            hard besides.
        limits: Lower limits of the budget by name (`seconds`, `llm_calls`, …).
        generation: How an answer is written where a model writes it.
        turns: Who said what before the question, the oldest first.
    """

    question: str
    reasoning: Reasoning = "auto"
    top_k: int = 10
    filter: Filter = EVERYTHING
    limits: Mapping[str, float] = field(default_factory=dict)
    generation: Generation = field(default_factory=Generation)
    turns: Sequence[tuple[str, str]] = ()
