"""Layer-fused decoding as its formulae stand on the page: in probabilities, one row at a time.

Decimals of 50 digits, whose exponents have no end: a token's probability may be e^-20000 without
becoming 0, so that the plain formulae serve as an oracle where floats need the logarithmic form.
Nothing of the project is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext

HALF = Decimal("0.5")
DIGITS = Context(prec=50)
NEVER = Decimal("-Infinity")


def softmax(logits: Sequence[float]) -> list[Decimal]:
    """Probabilities; 0 for a logit of minus infinity."""
    with localcontext(DIGITS):
        powers = [Decimal(float(x)).exp() for x in logits]
        return [each / sum(powers) for each in powers]


def kl(p: Sequence[Decimal], q: Sequence[Decimal]) -> Decimal:
    """Kullback-Leibler divergence of p from q, in nats."""
    with localcontext(DIGITS):
        return sum((a * (a / b).ln() for a, b in zip(p, q, strict=True) if a), Decimal(0))


def iks(before: Sequence[float], after: Sequence[float], kind: str = "jsd") -> Decimal:
    """Score of one layer, of the logits before and after its feed-forward block."""
    p, q = softmax(before), softmax(after)
    if kind == "kl":
        return kl(q, p)
    with localcontext(DIGITS):
        m = [(a + b) * HALF for a, b in zip(p, q, strict=True)]
        return HALF * kl(p, m) + HALF * kl(q, m)


def lowest(
    before: Sequence[Sequence[float]], after: Sequence[Sequence[float]], kind: str = "jsd"
) -> int:
    """Place of the layer of the lowest score; of equal ones the first."""
    scores = [iks(one, other, kind) for one, other in zip(before, after, strict=True)]
    return scores.index(min(scores))


def fused(
    final: Sequence[float], intermediate: Sequence[float], alpha: float, weight: float
) -> list[float]:
    """F of every token: log q_N + weight · log q_l in the head, minus infinity elsewhere."""
    last, mid = softmax(final), softmax(intermediate)
    with localcontext(DIGITS):
        least = Decimal(alpha) * max(last)
        return [
            float((a * b ** Decimal(weight)).ln() if a and a >= least else NEVER)
            for a, b in zip(last, mid, strict=True)
        ]
