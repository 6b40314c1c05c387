"""The copy task says what it claims to say; whether LFD helps in it is no matter here."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs torch")

import torch

from app.generation.lfd.core import fuse, iks
from app.generation.lfd.params import LFDParams
from benchmarks.lfd_copy import __main__ as lfd_copy
from benchmarks.lfd_copy.decoding import Shares, agreement, answers, judged
from benchmarks.lfd_copy.facts import ASK, CLOSE, END, KINDS, OPEN, Asked, Mixture, Size, World
from benchmarks.lfd_copy.grid import DEFAULT, PLAIN, WISHES
from benchmarks.lfd_copy.model import Model, Shape
from benchmarks.lfd_copy.summary import summary
from benchmarks.lfd_copy.training import Course, train

pytestmark = pytest.mark.torch

SMALL = Size(entities=8, strangers=4, relations=2, syllables=70)
SHAPE = Shape(SMALL.vocabulary, hidden=32, inner=48)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that share cores with other programs wait for each other longer than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def world() -> World:
    return World(SMALL, seed=1)


@pytest.fixture
def model() -> Model:
    """Random, and wide enough that layers differ."""
    made = Model(SHAPE, seed=1)
    with torch.no_grad():
        for block in made.blocks:
            for weight in block.values():
                weight.mul_(2)
    return made


def said(tokens: Any) -> dict[tuple[int, int], tuple[int, ...]]:
    """What the first context of a text says."""
    inside = list(tokens[tokens.index(OPEN) + 1 : tokens.index(CLOSE)])
    found = {}
    while inside:
        end = inside.index(END)
        found[inside[0], inside[1]] = tuple(inside[2:end])
        inside = inside[end + 1 :]
    return found


def test_a_conflicting_context_contradicts_memory_in_every_token(world: World) -> None:
    asked = world.questions("conflicting", 100)
    assert len(asked) == len(world.held_out)
    for one in asked:
        fact = one.prompt[-2:]
        assert one.prompt[-3] == ASK
        assert said(one.prompt)[fact] == one.told
        assert one.known == world.memory[fact]
        assert one.told is not None
        assert not any(a == b for a, b in zip(one.told, one.known, strict=False))


def test_an_agreeing_context_says_what_is_known(world: World) -> None:
    for one in world.questions("agreeing", 100):
        assert said(one.prompt)[one.prompt[-2:]] == one.told == one.known


def test_without_a_context_there_is_only_the_question(world: World) -> None:
    for one in world.questions("without", 100):
        assert one.told is None
        assert one.prompt == (ASK, *one.prompt[-2:])


def test_facts_that_are_asked_for_are_never_in_a_context_of_the_training(world: World) -> None:
    shown = set()
    for _ in range(200):
        row = world.row(200, Mixture(0.5, in_context=1, strange=0))
        shown |= said(row).keys()
    assert shown == set(world.shown)
    assert not shown & set(world.held_out)


@pytest.mark.parametrize("conflicting", [0.0, 1.0])
def test_texts_answer_as_their_context_says(world: World, conflicting: float) -> None:
    for _ in range(50):
        row = world.row(60, Mixture(conflicting, in_context=1, strange=0))
        context = said(row)
        fact = (row[row.index(ASK) + 1], row[row.index(ASK) + 2])
        answer = row[row.index(ASK) + 3 :]
        assert tuple(answer[: answer.index(END)]) == context[fact]
        assert (context[fact] == world.memory[fact]) == (conflicting == 0)


def test_an_answer_counts_only_whole_and_ended() -> None:
    asked = Asked((ASK, 5, 7), told=(20, 21, 22), known=(30, 31, 32))
    given = [(20, 21, 22, END), (30, 31, 32, END), (20, 21, 22), (20, 31, 22, END), (END,)]
    shares = judged([asked] * len(given), given)
    assert shares == Shares(
        context=(1, 0, 0, 0, 0),
        memory=(0, 1, 0, 0, 0),
        begun_context=(1, 0, 1, 1, 0),
        begun_memory=(0, 1, 0, 0, 0),
    )


def test_differences_are_paired_by_question() -> None:
    def run(plain: tuple[int, ...], ours: tuple[int, ...]) -> dict[str, Any]:
        each = {PLAIN: Shares(plain, plain, plain, plain), DEFAULT: Shares(ours, ours, ours, ours)}
        return {"loss": 0.0, "answers": dict.fromkeys(KINDS, each), "agreement": {}}

    found = summary([run((0, 0, 1, 1), (1, 0, 1, 1)), run((0, 1, 0, 1), (0, 1, 1, 1))])
    context = found["answers"]["conflicting"][DEFAULT]["context"]
    assert context["each"] == [75.0, 75.0]
    assert context["sd"] == 0
    gained = context["minus_plain"]
    assert gained["mean"] == 25
    assert 0 <= gained["low"] < 25 < gained["high"] <= 100
    assert found["answers"]["conflicting"][PLAIN]["context"]["minus_plain"]["high"] == 0


def test_many_ways_at_once_answer_as_each_alone(world: World, model: Model) -> None:
    asked = world.questions("conflicting", 4)
    names = [PLAIN, DEFAULT, "layer 6, alpha 0.02, weight 2", "kl once, alpha 0.02, weight 2"]
    together = answers(model, asked, [WISHES[name] for name in names])
    for name, given in zip(names, together, strict=True):
        for one, answer in zip(asked, given, strict=True):
            assert answer == greedy(model, one.prompt, len(answer), WISHES[name])
    assert len(set(map(str, together))) > 1, "the ways must differ for this to say anything"


def greedy(
    model: Model, prompt: tuple[int, ...], count: int, wish: LFDParams | None
) -> tuple[int, ...]:
    """One question, one token at a time, straight from the definition."""
    text, layer = prompt, 0
    for step in range(count):
        with torch.no_grad():
            pairs = [
                tuple(model.project(x[0, -1]) for x in pair)
                for pair in model.states(torch.tensor([text]))
            ]
        logits = pairs[-1][1]
        if wish is not None:
            if wish.layer is not None:
                layer = wish.layer
            elif wish.chooses_at(step):
                scores = {n: iks(*pairs[n - 1], wish.divergence).item() for n in (5, 6, 7)}
                layer = min(scores, key=scores.__getitem__)
            of = torch.tensor([wish.alpha]), torch.tensor([wish.weight])
            logits = fuse(logits[None], pairs[layer - 1][1].log_softmax(-1)[None], *of)[0]
        text = (*text, int(logits.argmax()))
    return text[len(prompt) :]


def test_agreement_counts_every_token_of_every_text(world: World, model: Model) -> None:
    counts = agreement(model, world.questions("agreeing", 4), length=6, seed=1)
    assert {seen for _, _, seen in counts.values()} == {24}
    fixed = [layers for way, (layers, _, _) in counts.items() if way.startswith("layer")]
    assert sum(fixed) == 24, "the exact mode chooses one of the candidates at every token"
    # 16 and once choose at the first of six tokens alone, 4 at the fifth too.
    assert counts["every 16"] == counts["every once"]
    assert counts["every 4"][0] >= 8


def test_padding_changes_nothing(model: Model) -> None:
    draw = random.Random(1)
    texts = [draw.choices(range(5, SMALL.vocabulary), k=length) for length in (3, 9, 17)]
    _, together = model.at_the_end(texts)
    for row, text in enumerate(texts):
        _, alone = model.at_the_end([text])
        torch.testing.assert_close(together[:, row], alone[:, 0], rtol=1e-4, atol=1e-4)


def test_training_lowers_the_loss(world: World) -> None:
    course = Course(steps=30, mixture=Mixture(0.5), rows=4)
    early = train(Model(SHAPE, 1), world, Course(steps=1, mixture=Mixture(0.5), rows=4))
    assert train(Model(SHAPE, 1), world, course) < 0.8 * early


def test_one_seed_from_end_to_end() -> None:
    course = Course(steps=2, mixture=Mixture(0.5), rows=2)
    run = lfd_copy.measured(1, SMALL, course, plain_only=False)
    found = summary([run, run])
    assert set(found["answers"]["conflicting"]) == set(WISHES)
    assert found["agreement"]["every 4"]["tokens"] > 0
