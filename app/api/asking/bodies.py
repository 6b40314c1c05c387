"""What a question may bring along, and what becomes of wishes that cannot be met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from app.api.schemas import WHOLE, Body
from app.api.services import Services
from app.domain.errors import Rejected
from app.domain.hit import Degraded
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


def limits(budget: BudgetIn | None) -> Mapping[str, float]:
    """Lower limits by name."""
    return budget.model_dump(exclude_none=True) if budget else {}


def generation(
    asked: GenerationIn | None, instructions: str = "", extra: Mapping[str, Any] | None = None
) -> Generation:
    """How the engine is to let the answer be written."""
    asked = asked or GenerationIn()
    return Generation(asked.max_tokens, asked.temperature, extra or {}, instructions)


def unmet(
    asked: GenerationIn | None,
    instructions: str,
    services: Services,
    at: str = "/body/generation",
) -> list[Degraded]:
    """What is asked for in vain.

    Args:
        at: JSON pointer of the wishes, for refusals.

    Raises:
        Rejected: `not-available`: it is required.
    """
    lfd = asked.lfd if asked else None
    wishes = asked and (asked.max_tokens is not None or asked.temperature is not None)
    if not (lfd or wishes or instructions):
        return []
    model = services.model
    if isinstance(lfd, LfdIn) and lfd.required:
        raise Rejected(
            "layer-fused decoding needs a model server, and none is configured"
            if model is None
            else "the model server is not known to offer layer-fused decoding",
            "not-available",
            at=f"{at}/lfd/required",
        )
    found = []
    if model is None and (wishes or instructions):
        found.append(Degraded("llm", "no model server is configured; sentences are quoted"))
    if lfd and model is None:
        found.append(Degraded("lfd", "no model server is configured"))
    elif lfd:
        why = "the model server is not known to offer layer-fused decoding"
        found.append(Degraded("lfd", why))
    return found
