"""Layer-fused decoding as the service knows it: what is proven, what is wished, what was done.

LFD as reconstructed from the abstract of arXiv 2508.19614; it happens inside the model's server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from retrievers.protocol import Health

State = Literal["on", "broken", "absent", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Probed:
    """What the last probe of the model's server found.

    Args:
        state: `on` is proven; `broken`: the plugin is there and its self-check fails; `absent`: the
            server does not heed the parameters; `refused`: the plugin refuses them; `unknown`: the
            server could not be asked.
        reason: Why it is not on; it quotes at most what the server said of the probe.
        checked_at: In UTC; None before the first.
    """

    state: State
    reason: str = ""
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lfd:
    """Layer-fused decoding of one question's answer, settled when the question came.

    Args:
        asked: By the request, or by settings that require it.
        wanted: What a model writes from evidence is to be decoded so; only where it is on.
        alpha: Share of the best token's probability from which a token is plausible.
        weight: Of the intermediate layer in the sum.
        every: The layer is chosen at every n-th token, or once.
    """

    probed: Probed
    asked: bool
    wanted: bool
    alpha: float
    weight: float
    every: int | Literal["once"]

    @property
    def lacking(self) -> str:
        """Why it is asked for in vain; empty if it is not."""
        if not self.asked or self.wanted:
            return ""
        return f"{self.probed.state}: {self.probed.reason}"


@dataclass(slots=True)
class Fusing:
    """What became of the wish in one call; the model's client says so here.

    Attributes:
        state: Of the server when it was asked.
        sent: Whether the server was told to, and took it.
        lost: Why it was not, where that is a loss.
    """

    wish: Lfd
    state: State = field(init=False)
    sent: bool = False
    lost: str = ""

    def __post_init__(self) -> None:
        self.state = self.wish.probed.state


@dataclass(frozen=True, slots=True)
class LfdHealth(Health):
    """Readiness of layer-fused decoding, with what the probe found."""

    probed: Probed = field(kw_only=True)
