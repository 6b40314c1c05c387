"""What a request may say about layer-fused decoding; read alike by the service and by vLLM.

Standard library only: vLLM's processes import it without the service, and the service without
torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Divergence = Literal["jsd", "kl"]

ALPHA = (0.0, 1.0)
WEIGHT = (0.0, 4.0)
EVERY = (1, 256)
ONCE = "once"
_LAYERS = (1, 1_000)  # how many the server's model has is not known here
_IDS = (0, 2**31 - 1)
_SWITCH: Mapping[object, bool] = {
    **dict.fromkeys((1, "1", "true", "on"), True),
    **dict.fromkeys((0, "0", "false", "off"), False),
}


@dataclass(frozen=True, slots=True)
class LFDParams:
    """Layer-fused decoding as one request wants it.

    Args:
        alpha: Share of the best token's probability from which a token is plausible. From
            contrastive decoding (arXiv 2210.15097) and DoLa (arXiv 2309.03883), with their value.
        weight: Of the intermediate layer's log-probabilities in the sum.
        layer: The intermediate layer, from 1; None chooses it by the internal knowledge score.
        divergence: That score: Jensen-Shannon, or Kullback-Leibler from after to before.
        every: The layer is chosen at every n-th token and kept in between; None chooses it once,
            at the first token.
        probe: Two token ids: the reply is the first where layer-fused decoding works, else the
            second.
    """

    alpha: float = 0.1
    weight: float = 1.0
    layer: int | None = None
    divergence: Divergence = "jsd"
    every: int | None = 1
    probe: tuple[int, int] | None = None

    def chooses_at(self, generated: int) -> bool:
        """Whether the layer is chosen for the token that follows `generated` others."""
        return generated == 0 if self.every is None else generated % self.every == 0


def parse(arguments: Mapping[str, Any] | None) -> LFDParams | None:
    """What `vllm_xargs` says; None where layer-fused decoding is not asked for.

    Keys of others are let through; ours are checked also where the switch is off.

    Raises:
        ValueError: A key or a value that cannot be; the text names it.
    """
    found = {key: value for key, value in (arguments or {}).items() if key.startswith("lfd")}
    if not found:
        return None
    if unknown := found.keys() - _READERS.keys() - {"lfd"}:
        known = ", ".join(["lfd", *_READERS])
        raise ValueError(f"{min(unknown)} is not known; there are {known}")
    if "lfd" not in found:
        raise ValueError(f'{min(found)} is given without lfd: add "lfd": 1')
    on = _switch(found.pop("lfd"))
    read = {key.removeprefix("lfd_"): _READERS[key](key, value) for key, value in found.items()}
    return LFDParams(**read) if on else None


def _switch(value: Any) -> bool:
    said = value.lower() if isinstance(value, str) else value
    if isinstance(said, str | int | float) and said in _SWITCH:
        return _SWITCH[said]
    raise _refused("lfd", "1, 0, true, false, on or off", value)


def _share(key: str, value: Any) -> float:
    return _number(key, value, ALPHA)


def _weight(key: str, value: Any) -> float:
    return _number(key, value, WEIGHT)


def _number(key: str, value: Any, between: tuple[float, float]) -> float:
    low, high = between
    # Not a number lies in no range; true would count as 1.
    if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise _refused(key, f"a number from {low:g} to {high:g}", value)


def _layer(key: str, value: Any) -> int | None:
    if _whole(value, (-1, -1)):
        return None
    if _whole(value, _LAYERS):
        return int(value)
    raise _refused(key, "a layer's number from 1, or -1 for the one of the lowest score", value)


def _divergence(key: str, value: Any) -> Divergence:
    if value == "jsd" or value == "kl":
        return "jsd" if value == "jsd" else "kl"
    raise _refused(key, "jsd or kl", value)


def _every(key: str, value: Any) -> int | None:
    if value == ONCE:
        return None
    if _whole(value, EVERY):
        return int(value)
    raise _refused(key, f"a whole number from {EVERY[0]} to {EVERY[1]}, or {ONCE}", value)


def _probe(key: str, value: Any) -> tuple[int, int]:
    if isinstance(value, list | tuple) and len(value) == 2:
        first, second = value
        if _whole(first, _IDS) and _whole(second, _IDS) and first != second:
            return int(first), int(second)
    raise _refused(key, "a list of two different token ids", value)


def _whole(value: Any, between: tuple[int, int]) -> bool:
    low, high = between
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _refused(key: str, wanted: str, value: Any) -> ValueError:
    shown = repr(value)
    shown = shown if len(shown) <= 40 else f"{shown[:40]}…"
    return ValueError(f"{key} must be {wanted}, not {shown}")


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "lfd_alpha": _share,
    "lfd_weight": _weight,
    "lfd_layer": _layer,
    "lfd_divergence": _divergence,
    "lfd_every": _every,
    "lfd_probe": _probe,
}
