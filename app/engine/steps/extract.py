"""Stand-in until typed reading is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.hit import Hit
from app.domain.plan import Expects
from app.engine.steps.write import Pick, WriteOptions


@dataclass(frozen=True, slots=True)
class Extract:
    text: str
    pick: Pick
    support: float


def extract(
    text: str, expects: Expects, hits: Sequence[Hit], options: WriteOptions | None = None
) -> Extract | None:
    return None
