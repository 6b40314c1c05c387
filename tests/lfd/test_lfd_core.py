"""The arithmetic on tensors against the oracle, where floats are at their limits too."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs torch")

import oracle
import torch

from app.generation.lfd.core import fuse, iks, lowest

pytestmark = pytest.mark.torch

LAYERS, ROWS, VOCABULARY = 4, 3, 24
LN2 = math.log(2)
# Of float32 with 24 bits: logits up to 30 are off by 1e-6, and what is summed over tokens by more.
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
KINDS = pytest.mark.parametrize("kind", ["jsd", "kl"])
# Eighths up to 64: a shift by a whole number is exact in float32.
EIGHTHS = st.integers(-512, 512).map(lambda n: n / 8)
WIDE = st.floats(-1e4, 1e4, width=32)


def random(*shape: int, spread: float = 4.0, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * spread


def extreme(*shape: int, seed: int = 1) -> Any:
    """A few of ±10000 among ordinary ones."""
    draw = torch.Generator().manual_seed(seed)
    far = torch.randint(0, 6, shape, generator=draw)
    logits = torch.randn(*shape, generator=draw)
    return logits.masked_fill(far == 0, -1e4).masked_fill(far == 1, 1e4)


MADE = {"random": random, "extreme": extreme}


def scored(before: Any, after: Any, kind: str) -> Any:
    """What the oracle says, in the shape of `iks`."""
    flat = zip(before.flatten(0, -2).tolist(), after.flatten(0, -2).tolist(), strict=True)
    scores = [float(oracle.iks(one, other, kind)) for one, other in flat]
    return torch.tensor(scores).view(before.shape[:-1])


def expected(final: Any, mid: Any, alpha: Any, weight: Any) -> Any:
    """What the oracle says, in the shape of `fuse`; `mid` are logits."""
    rows = zip(final.tolist(), mid.tolist(), alpha.tolist(), weight.tolist(), strict=True)
    return torch.tensor([oracle.fused(*row) for row in rows], dtype=torch.float64)


def fused(final: Any, mid: Any, alpha: Any, weight: Any) -> Any:
    return fuse(final, mid.float().log_softmax(-1), alpha, weight)


def same(found: Any, wanted: Any, **tolerance: float) -> None:
    """Equal where finite, and minus infinity at the same places."""
    torch.testing.assert_close(found.double(), wanted.double(), **(tolerance or CLOSE))


@KINDS
@pytest.mark.parametrize("made", MADE)
def test_scores_are_those_of_the_oracle(made: str, kind: Any) -> None:
    before = MADE[made](LAYERS, ROWS, VOCABULARY, seed=1)
    after = MADE[made](LAYERS, ROWS, VOCABULARY, seed=2)
    found = iks(before, after, kind)
    assert found.dtype == torch.float32
    same(found, scored(before, after, kind))


@KINDS
def test_scores_of_bfloat16_are_computed_in_float32(kind: Any) -> None:
    before = random(LAYERS, ROWS, VOCABULARY).bfloat16()
    after = (before.float() + random(LAYERS, ROWS, VOCABULARY, spread=0.3, seed=2)).bfloat16()
    found = iks(before, after, kind)
    assert found.dtype == torch.float32
    same(found, scored(before, after, kind))


@KINDS
@pytest.mark.parametrize("made", MADE)
def test_the_layer_of_the_lowest_score_is_chosen_in_each_row(made: str, kind: Any) -> None:
    before = MADE[made](LAYERS, 16, VOCABULARY, seed=3)
    after = MADE[made](LAYERS, 16, VOCABULARY, seed=4)
    place, log_q, scores = lowest(before, after, kind)
    wanted = [
        oracle.lowest(before[:, row].tolist(), after[:, row].tolist(), kind) for row in range(16)
    ]
    assert place.tolist() == wanted
    assert len(set(wanted)) > 1
    same(scores, scored(before, after, kind))
    for row, layer in enumerate(wanted):
        probabilities = oracle.softmax(after[layer, row].tolist())
        wanted_log = torch.tensor([float(p.ln()) for p in probabilities], dtype=torch.float64)
        same(log_q[row], wanted_log)


@KINDS
def test_of_equal_scores_the_lowest_layer_is_chosen(kind: Any) -> None:
    before = random(1, ROWS, VOCABULARY).repeat(LAYERS, 1, 1)
    after = random(1, ROWS, VOCABULARY, seed=2).repeat(LAYERS, 1, 1)
    assert lowest(before, after, kind)[0].tolist() == [0] * ROWS
    # Another score in front of the equal ones, higher in the first row and lower in the second.
    before[0] = random(ROWS, VOCABULARY, spread=12, seed=3)
    after[0, 1] = before[0, 1]
    assert lowest(before, after, kind)[0].tolist()[:2] == [1, 0]


@given(st.lists(st.tuples(WIDE, WIDE), min_size=2, max_size=12))
@settings(deadline=None)
def test_a_score_is_symmetric_between_0_and_ln_2_and_0_of_equals(
    pairs: list[tuple[float, float]],
) -> None:
    one, other = (torch.tensor(side) for side in zip(*pairs, strict=True))
    score = float(iks(one, other))
    assert score == pytest.approx(float(iks(other, one)), abs=1e-6)
    assert -1e-6 <= score <= LN2 + 1e-6
    assert float(iks(one, one.clone())) == pytest.approx(0, abs=1e-6)
    assert float(iks(one, one.clone(), "kl")) == 0
    assert float(iks(one, other, "kl")) >= -1e-6


@given(st.lists(st.tuples(EIGHTHS, EIGHTHS), min_size=2, max_size=12), st.integers(-999, 999))
@settings(deadline=None)
def test_a_constant_added_to_a_row_changes_nothing(
    pairs: list[tuple[float, float]], constant: int
) -> None:
    one, other = (torch.tensor(side) for side in zip(*pairs, strict=True))
    for kind in ("jsd", "kl"):
        shifted = float(iks(one + constant, other, kind))
        assert shifted == pytest.approx(float(iks(one, other, kind)), abs=1e-6)
    half, ones = torch.tensor([0.5]), torch.ones(1)
    same(
        fuse((one + constant)[None], other[None], half, ones),
        fuse(one[None], other[None], half, ones),
    )


@pytest.mark.parametrize("made", MADE)
def test_fusing_is_that_of_the_oracle_for_each_row_with_its_own_numbers(made: str) -> None:
    final, mid = MADE[made](6, VOCABULARY, seed=5), MADE[made](6, VOCABULARY, seed=6)
    alpha = torch.tensor([0, 0.1, 0.02, 0.5, 1, 0.1])
    weight = torch.tensor([1, 1, 0.5, 2, 4, 0])
    found = fused(final, mid, alpha, weight)
    assert found.dtype == torch.float32
    same(found, expected(final, mid, alpha, weight))


def test_what_is_not_allowed_stays_so_and_the_head_is_of_the_rest() -> None:
    final, mid = random(6, VOCABULARY, seed=5), random(6, VOCABULARY, seed=6)
    final[:, ::3] = -math.inf
    final[5] = -math.inf
    final[5, 7] = -3.0  # one token only
    final[4, final[4].argmax()] = -math.inf  # the best one
    alpha = torch.tensor([0, 0.1, 0.02, 0.5, 0.3, 0.1])
    weight = torch.tensor([1, 1, 0.5, 2, 4, 1])
    found = fused(final, mid, alpha, weight)
    same(found, expected(final, mid, alpha, weight))
    assert found[final == -math.inf].eq(-math.inf).all()
    assert found[5].isfinite().nonzero().flatten().tolist() == [7]
    assert found[0].isfinite().equal(final[0].isfinite()), "alpha 0 keeps what is allowed"


def test_bfloat16_is_fused_in_float32() -> None:
    final, mid = random(ROWS, VOCABULARY, seed=5), random(ROWS, VOCABULARY, seed=6)
    alpha, weight = torch.zeros(ROWS), torch.tensor([0.5, 1, 2])
    found = fused(final.bfloat16(), mid.bfloat16(), alpha, weight)
    assert found.dtype == torch.float32
    same(found, expected(final.bfloat16(), mid.bfloat16(), alpha, weight))
    # 8 bits round a logit by 2^-9 of itself, and a log-softmax at most by twice that.
    rounding = 2 * 2**-9 * (final.abs().amax(-1) + weight * mid.abs().amax(-1))
    off = (found.double() - expected(final, mid, alpha, weight)).abs().amax(-1)
    assert (off <= rounding + 1e-5).all()


@pytest.mark.parametrize("made", MADE)
def test_neither_head_nor_weight_leaves_the_distribution_as_it_is(made: str) -> None:
    final, mid = MADE[made](ROWS, VOCABULARY, seed=5), MADE[made](ROWS, VOCABULARY, seed=6)
    final[0, 3] = -math.inf
    found = fused(final, mid, torch.zeros(ROWS), torch.zeros(ROWS))
    same(found.softmax(-1), final.softmax(-1))
    assert found.argmax(-1).equal(final.argmax(-1))


@pytest.mark.parametrize("weight", [0.0, 1.0, 4.0])
def test_a_head_of_the_best_token_alone_decodes_as_without(weight: float) -> None:
    final, mid = random(ROWS, VOCABULARY, seed=5), random(ROWS, VOCABULARY, seed=6)
    found = fused(final, mid, torch.ones(ROWS), torch.full((ROWS,), weight))
    assert found.argmax(-1).equal(final.argmax(-1))
    assert found.isfinite().sum(-1).tolist() == [1] * ROWS
    assert found.log_softmax(-1).amax(-1).tolist() == [0.0] * ROWS


def test_equally_probable_tokens_are_in_the_head_together() -> None:
    final = torch.tensor([[2.0, 5.0, 5.0, 1.0]])
    found = fused(final, torch.tensor([[0.0, 0.0, 3.0, 9.0]]), torch.ones(1), torch.ones(1))
    assert found.isfinite().tolist() == [[False, True, True, False]]
    assert found.argmax().item() == 2


@given(
    st.lists(st.tuples(WIDE | st.just(-math.inf), WIDE), min_size=1, max_size=12).filter(
        lambda pairs: any(math.isfinite(final) for final, _ in pairs)
    ),
    st.floats(0, 1, width=32),
    st.floats(0, 4, width=32),
)
@settings(deadline=None)
def test_the_best_allowed_token_is_always_in_the_head(
    pairs: list[tuple[float, float]], alpha: float, weight: float
) -> None:
    final, mid = (torch.tensor([side]) for side in zip(*pairs, strict=True))
    found = fused(final, mid, torch.tensor([alpha]), torch.tensor([weight]))
    assert not found.isnan().any()
    assert found[0, final.argmax()].isfinite()
    assert found[final == -math.inf].eq(-math.inf).all()


def test_nothing_given_is_changed() -> None:
    final, mid = random(ROWS, VOCABULARY), random(ROWS, VOCABULARY, seed=2).log_softmax(-1)
    kept = final.clone(), mid.clone()
    fuse(final, mid, torch.full((ROWS,), 0.5), torch.ones(ROWS))
    iks(final, mid)
    lowest(final[None], mid[None])
    assert final.equal(kept[0])
    assert mid.equal(kept[1])
