"""Which answers are decoded with fused layers, by settings, request and what is proven."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.domain.lfd import Lfd, LfdHealth
from app.generation.watch import Proof


@dataclass(frozen=True, slots=True)
class LfdOptions:
    """The settings.

    Args:
        mode: `auto` wherever it is on, `off` only when a request asks, `require` always.
        alpha: Unless a request gives another; likewise `weight`.
        every: The layer is chosen at every n-th token, or once.
    """

    mode: Literal["auto", "off", "require"]
    alpha: float
    weight: float
    every: int | Literal["once"]


class LfdPolicy:
    """Settles each question's wish.

    Args:
        proof: What is known of the server.
    """

    def __init__(self, proof: Proof, options: LfdOptions) -> None:
        self._proof, self._options = proof, options

    @property
    def known(self) -> bool:
        """Whether the server was probed at all: until then, `settled` may wait."""
        return self._proof.known

    async def settled(
        self, said: bool | None, alpha: float | None, weight: float | None, seconds: float
    ) -> Lfd:
        """What is to be done for one question.

        Args:
            said: Whether the request wants it; None if it says nothing.
            alpha: In place of the settings'; likewise `weight`.
            seconds: How long the first probe is waited for by whoever asks.
        """
        options = self._options
        asked = said is True or (said is None and options.mode == "require")
        probed = await self._proof.first(seconds) if asked else self._proof.last
        wished = asked or (said is None and options.mode == "auto")
        return Lfd(
            probed,
            asked,
            wished and probed.state == "on",
            options.alpha if alpha is None else alpha,
            options.weight if weight is None else weight,
            options.every,
        )

    def health(self) -> LfdHealth:
        """Down only where it is required: then nothing is ready without it."""
        probed = self._proof.last
        detail = f"{probed.state}: {probed.reason}" if probed.reason else probed.state
        if self._options.mode == "require" and probed.state != "on":
            return LfdHealth("down", detail, probed=probed)
        return LfdHealth("degraded" if probed.state == "broken" else "ok", detail, probed=probed)

    async def probed_once(self, seconds: float) -> None:
        """Wait for the first probe, at most so long."""
        await self._proof.first(seconds)
