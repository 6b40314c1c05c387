"""The arithmetic of layer-fused decoding: pure functions of tensors, in float32.

LFD as reconstructed from the abstract of arXiv 2508.19614; its formulae could not be obtained. The
divergence is the parametric knowledge score of ReDeEP (arXiv 2410.11414), the plausible head that
of contrastive decoding (arXiv 2210.15097).

Shapes: K candidate layers, R rows (one token each), V vocabulary.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from app.generation.lfd.params import Divergence


def iks(before: Tensor, after: Tensor, kind: Divergence = "jsd") -> Tensor:
    """Internal knowledge score of layers: how much each feed-forward block changes the prediction.

    Args:
        before: Logits of the states before the blocks, [..., V]; finite.
        after: Logits of the states after them, [..., V]; finite.
        kind: `jsd`, from 0 to ln 2, or `kl`, of `after` to `before`.

    Returns:
        [...], in nats.
    """
    return _score(before.float().log_softmax(-1), after.float().log_softmax(-1), kind)


def lowest(
    before: Tensor, after: Tensor, kind: Divergence = "jsd"
) -> tuple[Tensor, Tensor, Tensor]:
    """The candidate of the lowest score in each row; of equal ones the lowest layer.

    Args:
        before: Logits [K, R, V], as for `iks`.
        after: Logits [K, R, V].

    Returns:
        The candidate's place [R], its log-probabilities [R, V], and all scores [K, R].
    """
    log_q = after.float().log_softmax(-1)
    scores = _score(before.float().log_softmax(-1), log_q, kind)
    place = scores.argmin(0)  # of equal ones the first
    return place, log_q[place, torch.arange(log_q.shape[1], device=log_q.device)], scores


def fuse(final: Tensor, intermediate: Tensor, alpha: Tensor, weight: Tensor) -> Tensor:
    """Weighted sum of log-probabilities over the plausible head; minus infinity elsewhere.

    Args:
        final: Logits of the last layer [R, V]; minus infinity where a token is not allowed.
        intermediate: Log-probabilities of the chosen layer [R, V]; finite.
        alpha: Share of the best token's probability from which a token belongs to the head, [R].
        weight: Of the intermediate layer, [R].

    Returns:
        [R, V], not normalised.
    """
    log_p = final.float().log_softmax(-1)
    least = log_p.amax(-1, keepdim=True) + alpha.float().log().unsqueeze(-1)
    fused = log_p + weight.float().unsqueeze(-1) * intermediate
    return fused.masked_fill_(log_p < least, -math.inf)


def _score(log_p: Tensor, log_q: Tensor, kind: Divergence) -> Tensor:
    if kind == "kl":
        return (log_q.exp() * (log_q - log_p)).sum(-1)
    log_m = torch.logaddexp(log_p, log_q).sub_(math.log(2))
    mean = (log_p.exp() * (log_p - log_m)).sum(-1)
    return mean.add_((log_q.exp() * (log_q - log_m)).sum(-1)).mul_(0.5)
