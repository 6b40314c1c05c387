"""Rows of a batch fused in place, each as its own request wants it, and the others left alone."""

from __future__ import annotations

import math
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs torch")

import oracle
import torch

from app.generation.lfd.fusing import Asking, Wish, deny, fused
from app.generation.lfd.layers import nearest
from app.generation.lfd.params import LFDParams

pytestmark = pytest.mark.torch

LAYERS, HIDDEN, VOCABULARY = (5, 6, 7, 8), 16, 40
PLENTY = 256 * 1024**2
CLOSE = {"rtol": 1e-4, "atol": 1e-4}  # states of 16 numbers are projected in float32


class Model:
    """Stands for vLLM's: a fixed random head behind a norm; counts the states it projects."""

    lfd_layers = LAYERS
    lfd_width = HIDDEN

    def __init__(self) -> None:
        self.head = torch.randn(VOCABULARY, HIDDEN, generator=torch.Generator().manual_seed(7))
        self.projected = 0

    def lfd_project(self, states: torch.Tensor) -> torch.Tensor:
        self.projected += states[..., 0].numel()
        states = states.float()
        normed = states / states.pow(2).mean(-1, keepdim=True).add(1e-6).sqrt()
        return normed @ self.head.T


@pytest.fixture
def model() -> Model:
    return Model()


def batch(rows: int, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [R, V] and states [R, 2·K·H]; these are a part of a wider tensor, as in vLLM."""
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, VOCABULARY, generator=draw) * 3
    wide = torch.randn(rows, HIDDEN * (1 + 2 * len(LAYERS)), generator=draw)
    return logits, wide[:, HIDDEN:]


def split(states: torch.Tensor) -> torch.Tensor:
    """A view [R, K, 2, H]."""
    return states.unflatten(1, (len(LAYERS), 2, HIDDEN))


def asks(row: int, generated: int = 0, **wanted: Any) -> Asking:
    return Asking(row, Wish(LFDParams(**wanted)), generated)


def chosen(states: torch.Tensor, row: int, kind: str = "jsd") -> int:
    """Place of the layer that the oracle chooses."""
    before, after = Model().lfd_project(split(states)[row].transpose(0, 1))
    return oracle.lowest(before.tolist(), after.tolist(), kind)


def expected(
    logits: torch.Tensor, states: torch.Tensor, one: Asking, place: int | None = None
) -> torch.Tensor:
    """One row as the oracle fuses it; with the layer that it chooses itself, or a given one."""
    params = one.wish.params
    place = chosen(states, one.row, params.divergence) if place is None else place
    after = Model().lfd_project(split(states)[one.row, place, 1])
    found = oracle.fused(logits[one.row].tolist(), after.tolist(), params.alpha, params.weight)
    return torch.tensor(found)


def same(found: torch.Tensor, wanted: torch.Tensor) -> None:
    """Equal where finite, and minus infinity at the same places."""
    torch.testing.assert_close(found, wanted, **CLOSE)


def test_each_row_is_fused_by_its_own_parameters_and_the_others_keep_every_bit(
    model: Model,
) -> None:
    before, states = batch(8)
    asking = [
        asks(1),
        asks(6, alpha=0.02, weight=0.5),
        asks(2, alpha=0.0, weight=4.0),
        asks(4, layer=6),
        asks(7, alpha=0.5, weight=2.0, divergence="kl"),
    ]
    logits = before.clone()
    fused(logits, states, asking, model, PLENTY)
    for one in asking:
        place = None if one.wish.params.layer is None else 1
        same(logits[one.row], expected(before, states, one, place))
    others = [0, 3, 5]
    assert logits[others].equal(before[others])


def test_rows_of_one_request_do_not_depend_on_their_neighbours(model: Model) -> None:
    before, states = batch(6)
    alone, together = before.clone(), before.clone()
    fused(alone, states, [asks(2, alpha=0.05)], model, PLENTY)
    neighbours = [asks(row, alpha=0.3, weight=row / 2) for row in (0, 1, 4)]
    fused(together, states, [*neighbours, asks(2, alpha=0.05), asks(5, layer=8)], model, PLENTY)
    same(together[2], alone[2])


def test_nobody_asking_changes_nothing(model: Model) -> None:
    before, states = batch(3)
    logits = before.clone()
    fused(logits, states, [], model, PLENTY)
    assert logits.equal(before)
    assert model.projected == 0


@pytest.mark.parametrize("rows_at_once", [0, 1, 2, 5])
def test_how_many_rows_are_compared_at_once_changes_nothing(
    model: Model, rows_at_once: int
) -> None:
    before, states = batch(7)

    def asking() -> list[Asking]:
        choosing = [asks(row, weight=row / 2, alpha=0.05) for row in range(5)]
        return [*choosing, asks(5, layer=8), asks(6, layer=5)]

    at_once, in_chunks, wanted = before.clone(), before.clone(), asking()
    fused(at_once, states, asking(), model, PLENTY)
    scratch = rows_at_once * 16 * 2 * len(LAYERS) * VOCABULARY
    fused(in_chunks, states, wanted, model, scratch)
    same(in_chunks, at_once)
    places = [int(one.wish.place) for one in wanted if one.wish.place is not None]
    assert places == [*(chosen(states, row) for row in range(5)), 3, 0]


def test_jsd_and_kl_in_one_batch_choose_each_for_themselves(model: Model) -> None:
    logits, states = next(
        drawn
        for drawn in (batch(1, seed) for seed in range(50))
        if chosen(drawn[1], 0, "jsd") != chosen(drawn[1], 0, "kl")
    )
    before, states = logits.repeat(4, 1), states.repeat(4, 1)
    logits = before.clone()
    kinds = ("kl", "jsd", "kl", "jsd")
    asking = [asks(row, divergence=kind) for row, kind in enumerate(kinds)]
    fused(logits, states, asking, model, PLENTY)
    for one in asking:
        same(logits[one.row], expected(before, states, one))
    assert not logits[0].equal(logits[1])


@pytest.mark.parametrize(
    ("every", "choosing"), [(1, [0, 1, 2, 3, 4, 5, 6]), (3, [0, 3, 6]), (None, [0])]
)
def test_between_choices_the_layer_stays_and_only_its_state_is_projected(
    model: Model, every: int | None, choosing: list[int]
) -> None:
    steps = [batch(2, seed) for seed in range(21, 28)]
    choices = [chosen(states, 1) for _, states in steps]
    kept = [choices[step - step % 3] for step in range(7)]
    assert all(choices[step] != kept[step] for step in (1, 2, 4, 5)), "keeping shows nothing"
    assert len(set(kept)) == 3, "choosing anew shows nothing"
    wish, place = Wish(LFDParams(every=every)), -1
    for step, (before, states) in enumerate(steps):
        place = choices[step] if step in choosing else place
        logits, model.projected = before.clone(), 0
        one = Asking(1, wish, step)
        fused(logits, states, [one], model, PLENTY)
        same(logits[1], expected(before, states, one, place))
        assert model.projected == (2 * len(LAYERS) if step in choosing else 1)


@pytest.mark.parametrize("every", [4, None])
def test_a_request_that_comes_back_chooses_anew_and_is_fused_once(
    model: Model, every: int | None
) -> None:
    before, states = batch(1)
    logits = before.clone()
    one = asks(0, generated=5, every=every)
    assert not one.wish.params.chooses_at(5)
    fused(logits, states, [one], model, PLENTY)
    same(logits[0], expected(before, states, one))


@pytest.mark.parametrize("layer", [1, 5, 6, 8, 32])
def test_a_fixed_layer_is_used_at_every_token_whatever_the_scores(model: Model, layer: int) -> None:
    wish, place = Wish(LFDParams(layer=layer, every=1)), nearest(layer, LAYERS)
    for step in range(3):
        before, states = batch(2, seed=step)
        logits, model.projected = before.clone(), 0
        one = Asking(0, wish, step)
        fused(logits, states, [one], model, PLENTY)
        same(logits[0], expected(before, states, one, place))
        assert model.projected == 1


def test_what_a_grammar_forbids_stays_forbidden(model: Model) -> None:
    before, states = batch(2)
    before[:, 4:] = -math.inf
    logits = before.clone()
    asking = [asks(0, alpha=0.0), asks(1, layer=7, alpha=0.9)]
    fused(logits, states, asking, model, PLENTY)
    same(logits[0], expected(before, states, asking[0]))
    assert logits[0].isfinite().tolist() == before[0].isfinite().tolist()
    assert logits[1].argmax() < 4
    assert logits[:, 4:].eq(-math.inf).all()


def test_states_of_bfloat16_are_taken(model: Model) -> None:
    before, states = batch(3)
    logits, half = before.clone(), states.bfloat16()
    asking = [asks(0), asks(2, layer=6)]
    fused(logits, half, asking, model, PLENTY)
    same(logits[0], expected(before, half, asking[0]))
    same(logits[2], expected(before, half, asking[1], place=1))


def only(logits: torch.Tensor, row: int) -> list[int]:
    """Tokens that a row allows."""
    return logits[row].isfinite().nonzero().flatten().tolist()


def test_a_probe_says_its_first_token_where_states_move(model: Model) -> None:
    before, states = batch(4)
    before[3, 11] = -math.inf  # even where a grammar forbids it
    logits = before.clone()
    beside = asks(1, alpha=0.05)
    asking = [asks(0, probe=(10, 11)), beside, asks(3, probe=(11, 10))]
    fused(logits, states, asking, model, PLENTY)
    assert only(logits, 0) == [10]
    assert only(logits, 3) == [11]
    assert logits[0, 10] == 0
    same(logits[1], expected(before, states, beside))
    assert logits[2].equal(before[2])


@pytest.mark.parametrize("stuck", [[0, 1, 2, 3], [2]], ids=["all layers", "one layer"])
def test_a_probe_says_its_second_token_where_a_state_was_overwritten(
    model: Model, stuck: list[int]
) -> None:
    # The next layer adds to the kept state in place: before and after are one and the same.
    before, states = batch(2)
    split(states)[0, stuck, 0] = split(states)[0, stuck, 1]
    logits = before.clone()
    fused(logits, states, [asks(0, probe=(10, 11)), asks(1, probe=(10, 11))], model, PLENTY)
    assert only(logits, 0) == [11]
    assert only(logits, 1) == [10]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_probe_says_its_second_token_where_states_are_no_numbers(
    model: Model, bad: float
) -> None:
    before, states = batch(1)
    split(states)[0, 1, 1, 3] = bad
    logits = before.clone()
    fused(logits, states, [asks(0, probe=(10, 11))], model, PLENTY)
    assert only(logits, 0) == [11]


def test_a_confident_model_passes_the_probe_though_its_scores_round_to_0(model: Model) -> None:
    before, states = batch(1)
    model.head *= 1e3  # one token has it all, before the block and after it
    split(states)[0, :, 0] = split(states)[0, :, 1] * 1.5  # which the norm takes away
    logits = before.clone()
    fused(logits, states, [asks(0, probe=(10, 11))], model, PLENTY)
    assert only(logits, 0) == [10]


@pytest.mark.parametrize(
    "wanted", [{"layer": 6}, {"every": 4}, {"divergence": "kl"}, {"alpha": 1.0}]
)
def test_a_probe_looks_at_every_layer_whatever_else_is_asked(
    model: Model, wanted: dict[str, Any]
) -> None:
    before, states = batch(1)
    split(states)[0, 3, 0] = split(states)[0, 3, 1]
    logits = before.clone()
    fused(logits, states, [asks(0, generated=1, probe=(10, 11), **wanted)], model, PLENTY)
    assert only(logits, 0) == [11]


@pytest.mark.parametrize("probe", [(VOCABULARY, 3), (3, VOCABULARY), (2**31 - 1, 2**31 - 2)])
def test_ids_beyond_the_vocabulary_do_no_harm(model: Model, probe: tuple[int, int]) -> None:
    before, states = batch(3)
    logits, denied = before.clone(), before.clone()
    fused(logits, states, [asks(0, probe=probe), asks(1, probe=(10, 11))], model, PLENTY)
    same(logits[0], expected(before, states, asks(0)))
    assert only(logits, 1) == [10]
    assert logits[2].equal(before[2])
    deny(denied, [asks(0, probe=probe)])
    assert denied.equal(before)


def test_denying_answers_probes_only() -> None:
    before, _ = batch(4)
    logits = before.clone()
    deny(logits, [asks(0, probe=(10, 11)), asks(1), asks(3, probe=(11, 10), layer=6)])
    assert only(logits, 0) == [11]
    assert only(logits, 3) == [10]
    assert logits[1:3].equal(before[1:3])
