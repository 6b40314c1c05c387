"""What a question may bring along in either of its shapes, and how it reaches the engine."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from app.api import filters
from app.api.schemas import MEMBERS, SWITCH, WHOLE, Body, FilterIn, TopK
from app.api.services import Services
from app.domain.errors import Rejected
from app.domain.hit import Degraded
from app.domain.lfd import Lfd
from app.engine.request import Request
from app.engine.run import Generation
from app.generation.lfd.params import ALPHA, WEIGHT

LONGEST_REPLY = 8_192
INSTRUCTIONS = 2_000
"""Characters that may be said about tone, language and length of the answer."""
PATIENCE_S = 5.0
"""How long a question that asks for it waits until the model's server was first probed."""


class LfdIn(Body):
    """Layer-fused decoding of the answer.

    `required` refuses the question (422) where it cannot be had when it comes.
    """

    alpha: Annotated[float, Field(ge=ALPHA[0], le=ALPHA[1])] | None = None
    weight: Annotated[float, Field(ge=WEIGHT[0], le=WEIGHT[1])] | None = None
    required: bool = False


def _branch(value: object) -> str:
    return MEMBERS if isinstance(value, dict | LfdIn) else SWITCH


# Tagged, so that a bad member is told by its own name and not as a bad switch.
LfdWish = Annotated[
    Annotated[bool, Tag(SWITCH)] | Annotated[LfdIn, Tag(MEMBERS)], Discriminator(_branch)
]


class GenerationIn(Body):
    """How a language model writes; without one the extractive writer quotes sentences."""

    max_tokens: Annotated[int, Field(ge=1, le=LONGEST_REPLY), WHOLE] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    lfd: LfdWish | None = None


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


async def request(
    question: str,
    options: OptionsIn,
    instructions: str,
    services: Services,
    at: str = "/body",
    turns: Sequence[tuple[str, str]] = (),
    seed: int | None = None,
) -> tuple[Request, list[Degraded]]:
    """The question as the engine takes it, and what is asked for in vain.

    Args:
        at: JSON pointer of the options, for refusals.
        turns: Who said what before, the oldest first.
        seed: Makes drawing repeatable where the model's server can.

    Raises:
        Rejected: `bad-filter`; `not-available`: what is required cannot be had.
    """
    filter = filters.parse(options.filters, f"{at}/filters")
    wanted = options.generation or GenerationIn()
    limits = options.budget.model_dump(exclude_none=True) if options.budget else {}
    lfd = await _settled(wanted.lfd, limits, services, at)
    wishes = instructions or wanted.max_tokens is not None or wanted.temperature is not None
    unmet = []
    if wishes and services.model is None:
        unmet.append(Degraded("llm", "no model server is configured; sentences are quoted"))
    if lfd.lacking:
        unmet.append(Degraded("lfd", lfd.lacking))
    asked = Request(
        question,
        reasoning=options.reasoning,
        top_k=options.top_k or 10,
        filter=filter,
        limits=limits,
        generation=Generation(
            wanted.max_tokens,
            wanted.temperature,
            seed,
            instructions,
            None if services.model is None else lfd,
        ),
        turns=turns,
    )
    return asked, unmet


async def _settled(
    said: bool | LfdIn | None, limits: dict[str, float], services: Services, at: str
) -> Lfd:
    """What becomes of layer-fused decoding; waiting for its first probe lowers the limits."""
    wish = said if isinstance(said, LfdIn) else LfdIn()
    began = None if services.lfd.known else time.monotonic()
    lfd = await services.lfd.settled(
        None if said is None else said is not False,
        wish.alpha,
        wish.weight,
        min(PATIENCE_S, limits.get("seconds", math.inf) / 2),
    )
    if began is not None and "seconds" in limits:
        limits["seconds"] -= time.monotonic() - began
    if wish.required and lfd.lacking:
        why = f"layer-fused decoding cannot be had: {lfd.lacking}"
        raise Rejected(why, "not-available", at=f"{at}/generation/lfd/required")
    return lfd
