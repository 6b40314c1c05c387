"""The oracle itself, against vectors that were worked out by hand."""

from __future__ import annotations

import math

import pytest
from oracle import fused, iks, kl, lowest, softmax

# Logits are written as logarithms of probabilities, so that a softmax gives those back.
LOG = math.log
LN2, LN3, LN5 = LOG(2), LOG(3), LOG(5)
NEVER = -math.inf


def logits(*probabilities: float) -> list[float]:
    return [LOG(p) if p else NEVER for p in probabilities]


def test_softmax() -> None:
    # e^0 : e^ln2 : e^ln5 = 1 : 2 : 5, together 8
    assert [float(p) for p in softmax([0, LN2, LN5])] == pytest.approx([1 / 8, 2 / 8, 5 / 8])
    # a token that is not allowed leaves 1 : 3, together 4
    assert [float(p) for p in softmax([7, NEVER, 7 + LN3])] == pytest.approx([1 / 4, 0, 3 / 4])


def test_kl() -> None:
    # p = (1/2, 1/4, 1/4), q = (1/4, 1/4, 1/2)
    # KL(p, q) = 1/2 ln 2 + 1/4 ln 1 + 1/4 ln 1/2 = 1/4 ln 2
    p, q = softmax(logits(1 / 2, 1 / 4, 1 / 4)), softmax(logits(1 / 4, 1 / 4, 1 / 2))
    assert float(kl(p, q)) == pytest.approx(LN2 / 4)
    assert float(kl(p, p)) == 0


def test_the_score_of_three_tokens() -> None:
    # p = (1/2, 1/2, ~0), q = (~0, 1/2, 1/2), m = (1/4, 1/2, 1/4)
    # KL(p, m) = 1/2 ln 2 + 1/2 ln 1 = 1/2 ln 2; the same for q; half of each: 1/2 ln 2
    assert float(iks([0, 0, -500], [-500, 0, 0])) == pytest.approx(LN2 / 2)


def test_the_score_of_four_tokens() -> None:
    # p = (1/8, 3/8, 1/4, 1/4), q = (3/8, 1/8, 1/4, 1/4), m = (1/4, 1/4, 1/4, 1/4)
    # KL(p, m) = 1/8 ln 1/2 + 3/8 ln 3/2 = 3/8 ln 3 - 1/2 ln 2; the same for q, so for the mean
    before, after = logits(1 / 8, 3 / 8, 1 / 4, 1 / 4), logits(3 / 8, 1 / 8, 1 / 4, 1 / 4)
    assert float(iks(before, after)) == pytest.approx(3 / 8 * LN3 - LN2 / 2)
    # KL(q, p) = 3/8 ln 3 + 1/8 ln 1/3 = 1/4 ln 3
    assert float(iks(before, after, "kl")) == pytest.approx(LN3 / 4)


def test_kl_is_of_after_from_before() -> None:
    # p = (1/2, 1/4, 1/4), q = (1/3, 1/3, 1/3)
    # KL(q, p) = 1/3 ln 2/3 + 2/3 ln 4/3 = 5/3 ln 2 - ln 3   (0.0566)
    # KL(p, q) = 1/2 ln 3/2 + 1/2 ln 3/4 = ln 3 - 3/2 ln 2   (0.0589)
    before, after = logits(1 / 2, 1 / 4, 1 / 4), [0, 0, 0]
    assert float(iks(before, after, "kl")) == pytest.approx(5 / 3 * LN2 - LN3)


def test_the_highest_score_is_ln_2() -> None:
    # p = (1, ~0, ~0), q = (~0, ~0, 1), m = (1/2, ~0, 1/2): each divergence is ln 2
    assert float(iks([0, -900, -900], [-900, -900, 0])) == pytest.approx(LN2)


def test_jsd_and_kl_may_choose_different_layers() -> None:
    # First layer: p = (1 - 1e-9, 1e-9), q = (0.9, 0.1).
    #   jsd: m = (0.95, 0.05); 1/2 ln 1/0.95 + 1/2 (0.9 ln 0.9/0.95 + 0.1 ln 2)
    #        = 0.0256 + 0.5 * (-0.0487 + 0.0693) = 0.0360
    #   kl:  0.9 ln 0.9 + 0.1 ln(0.1 / 1e-9) = -0.0948 + 1.8421 = 1.747
    # Second layer: p = (0.5, 0.5), q = (0.9, 0.1).
    #   jsd: m = (0.7, 0.3);
    #        1/2 (0.5 ln 0.5/0.7 + 0.5 ln 0.5/0.3) + 1/2 (0.9 ln 0.9/0.7 + 0.1 ln 0.1/0.3)
    #        = 0.5 * (-0.1682 + 0.2554) + 0.5 * (0.2262 - 0.1099) = 0.1018
    #   kl:  0.9 ln 1.8 + 0.1 ln 0.2 = 0.5290 - 0.1609 = 0.368
    before = [logits(1 - 1e-9, 1e-9), logits(0.5, 0.5)]
    after = [logits(0.9, 0.1), logits(0.9, 0.1)]
    assert float(iks(before[0], after[0])) == pytest.approx(0.0360, abs=1e-4)
    assert float(iks(before[0], after[0], "kl")) == pytest.approx(1.747, abs=1e-3)
    assert float(iks(before[1], after[1])) == pytest.approx(0.1018, abs=1e-4)
    assert float(iks(before[1], after[1], "kl")) == pytest.approx(0.368, abs=1e-3)
    assert lowest(before, after) == 0
    assert lowest(before, after, "kl") == 1


def test_of_equal_scores_the_lowest_layer_is_chosen() -> None:
    # each moves 1/2 : 1/2 to 1/4 : 3/4 or its mirror image, so the scores are equal
    before = [[0, 0], [0, 0], [0, 0]]
    after = [[0, LN3], [LN3, 0], [0, LN3]]
    assert lowest(before, after) == 0
    assert lowest([[0, 5], *before], [[5, 0], *after]) == 1


def test_fusing_five_tokens() -> None:
    # q_N = (8, 4, 2, 1, 1) / 16, alpha 0.2: the head is what has at least 8 / 16 * 0.2 = 1.6 / 16
    # q_l = (1, 1, 4, 1, 1) / 8,  weight 1:  F = ln(8/16 * 1/8), ln(4/16 * 1/8), ln(2/16 * 4/8)
    #                                          = ln 1/16, ln 1/32, ln 1/16
    final = logits(8 / 16, 4 / 16, 2 / 16, 1 / 16, 1 / 16)
    mid = logits(1 / 8, 1 / 8, 4 / 8, 1 / 8, 1 / 8)
    found = fused(final, mid, 0.2, 1)
    assert found == pytest.approx([-4 * LN2, -5 * LN2, -4 * LN2, NEVER, NEVER])
    # weight 2 squares q_l: 8/16 * 1/64, 4/16 * 1/64, 2/16 * 16/64 = 2^-7, 2^-8, 2^-5
    found = fused(final, mid, 0.2, 2)
    assert found == pytest.approx([-7 * LN2, -8 * LN2, -5 * LN2, NEVER, NEVER])
    # alpha 0 keeps every token; weight 0 leaves q_N as it is
    found = fused(final, mid, 0, 0)
    assert found == pytest.approx([-LN2, -2 * LN2, -3 * LN2, -4 * LN2, -4 * LN2])
    # alpha 1 keeps the best one
    assert fused(final, mid, 1, 1) == pytest.approx([-4 * LN2, NEVER, NEVER, NEVER, NEVER])


def test_the_head_is_taken_of_the_tokens_that_are_allowed() -> None:
    # The best one is not allowed: q_N = (0, 4, 2, 1, 1) / 8, and with alpha 0.5 the least is 2 / 8.
    # q_l = (1/5 each) with its masked token still counted: F = ln(4/8 * 1/5), ln(2/8 * 1/5)
    final = [NEVER, *logits(4 / 16, 2 / 16, 1 / 16, 1 / 16)]
    found = fused(final, [0, 0, 0, 0, 0], 0.5, 1)
    assert found == pytest.approx([NEVER, -LOG(10), -LOG(20), NEVER, NEVER])


def test_nothing_under_or_overflows() -> None:
    # p(second) = e^-20000 / (1 + e^-20000): its logarithm is -20000, twice makes -40000
    assert fused([1e4, -1e4], [1e4, -1e4], 0, 1) == pytest.approx([0, -40_000])
    assert float(iks([1e4, -1e4], [-1e4, 1e4], "kl")) == pytest.approx(20_000)
