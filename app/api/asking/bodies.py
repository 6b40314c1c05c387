"""What a question may bring along in either of its shapes, and how it reaches the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from app.api import filters
from app.api.schemas import WHOLE, Body, FilterIn, TopK
from app.api.services import Services
from app.domain.errors import Rejected
from app.domain.hit import Degraded
from app.engine.request import Request
from app.engine.run import Generation

LONGEST_REPLY = 8_192
INSTRUCTIONS = 2_000
"""Characters that may be said about tone, language and length of the answer."""


class LfdIn(Body):
    """Layer-fused decoding of the answer."""

    alpha: Annotated[float, Field(ge=0, le=1)] | None = None
    weight: Annotated[float, Field(ge=0, le=10)] | None = None
    required: Annotated[bool, Field(json_schema_extra={"const": False})] = False


class GenerationIn(Body):
    """How a language model writes; without one the extractive writer quotes sentences."""

    max_tokens: Annotated[int, Field(ge=1, le=LONGEST_REPLY), WHOLE] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    lfd: bool | LfdIn | None = None


class BudgetIn(Body):
    """What the answer may cost; `seconds` bounds the whole question."""

    llm_calls: Annotated[int, Field(ge=0, le=1_000), WHOLE] | None = None
    prompt_tokens: Annotated[int, Field(ge=0, le=10_000_000), WHOLE] | None = None
    completion_tokens: Annotated[int, Field(ge=0, le=10_000_000), WHOLE] | None = None
    seconds: Annotated[float, Field(gt=0, le=600)] | None = None


class OptionsIn(Body):
    """How a question is to be answered."""

    reasoning: Literal["auto", "direct", "lag"] = "auto"
    top_k: TopK | None = None
    filters: FilterIn = None
    generation: GenerationIn | None = None
    budget: BudgetIn | None = None


def request(
    question: str,
    options: OptionsIn,
    instructions: str,
    at: str = "/body",
    turns: Sequence[tuple[str, str]] = (),
    extra: Mapping[str, Any] | None = None,
) -> Request:
    """The question as the engine takes it.

    Args:
        at: JSON pointer of the options, for refusals.
        turns: Who said what before, the oldest first.
        extra: What else the model's server is told.

    Raises:
        Rejected: `bad-filter`.
    """
    wanted = options.generation or GenerationIn()
    return Request(
        question,
        reasoning=options.reasoning,
        top_k=options.top_k or 10,
        filter=filters.parse(options.filters, f"{at}/filters"),
        limits=options.budget.model_dump(exclude_none=True) if options.budget else {},
        generation=Generation(wanted.max_tokens, wanted.temperature, extra or {}, instructions),
        turns=turns,
    )


def unmet(
    options: OptionsIn, instructions: str, services: Services, at: str = "/body"
) -> list[Degraded]:
    """What is asked for in vain.

    Args:
        at: JSON pointer of the options, for refusals.

    Raises:
        Rejected: `not-available`: it is required.
    """
    wanted = options.generation or GenerationIn()
    lacking = (
        "no model server is configured"
        if services.model is None
        else "the model server is not known to offer layer-fused decoding"
    )
    if isinstance(wanted.lfd, LfdIn) and wanted.lfd.required:
        why = f"layer-fused decoding cannot be had: {lacking}"
        raise Rejected(why, "not-available", at=f"{at}/generation/lfd/required")
    found = []
    wishes = instructions or wanted.max_tokens is not None or wanted.temperature is not None
    if wishes and services.model is None:
        found.append(Degraded("llm", "no model server is configured; sentences are quoted"))
    if wanted.lfd:
        found.append(Degraded("lfd", lacking))
    return found
