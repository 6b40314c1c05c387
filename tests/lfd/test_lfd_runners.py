"""The logits processor under both model runners' interfaces, without either of them.

Contexts that a server meets rarely are played here: preemption, lost states, no memory.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("vllm", reason="needs vLLM")

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]

HIDDEN, VOCABULARY, LAYERS = 16, 40, (5, 6, 7)


class Tapped:
    """Stands for the model: a fixed head, and the states of the rows being sampled."""

    lfd_layers = LAYERS
    lfd_width = HIDDEN

    def __init__(self) -> None:
        self.head = torch.randn(VOCABULARY, HIDDEN)
        self.lfd_rows: Any = None

    def lfd_project(self, states: Any) -> Any:
        return states @ self.head.T


@pytest.fixture
def model() -> Tapped:
    torch.manual_seed(3)
    return Tapped()


def config(ranks: int = 1) -> Any:
    return SimpleNamespace(
        instance_id="played",
        additional_config={},
        parallel_config=SimpleNamespace(tensor_parallel_size=ranks),
        model_config=SimpleNamespace(architectures=["Qwen3ForCausalLM"]),
    )


def slots(prompt: list[int], prefill: list[int]) -> Any:
    return SimpleNamespace(
        device=torch.device("cpu"),
        prompt_len=SimpleNamespace(np=torch.tensor(prompt).numpy()),
        prefill_len=SimpleNamespace(np=torch.tensor(prefill).numpy()),
    )


def context(mapping: list[int], seen: list[int]) -> Any:
    return SimpleNamespace(
        idx_mapping_np=torch.tensor(mapping).numpy(),
        seq_lens_upper_bound_np=torch.tensor(seen).numpy(),
    )


def params(**arguments: Any) -> Any:
    from vllm import SamplingParams

    return SamplingParams(
        extra_args={f"lfd_{k}" if k != "lfd" else k: v for k, v in arguments.items()}
    )


def processor(state: Any, ranks: int = 1) -> Any:
    from app.generation.lfd import register
    from app.generation.lfd.processor import LFDLogitsProcessor

    register()
    return LFDLogitsProcessor(config(ranks), state)


@pytest.fixture
def known(model: Tapped) -> Tapped:
    from app.generation.lfd import runtime

    runtime.put("played", model)
    return model


def batch(model: Tapped, rows: int) -> Any:
    """Random states of so many rows; the logits of the last layer."""
    model.lfd_rows = torch.randn(rows, 2 * len(LAYERS) * HIDDEN)
    return torch.randn(rows, VOCABULARY)


def test_both_loaders_take_the_class() -> None:
    from vllm.v1.sample.logits_processor import LogitsProcessor as First
    from vllm.v1.worker.gpu.sample.logits_processor import loader

    from app.generation.lfd.processor import LFDLogitsProcessor

    path = "app.generation.lfd.processor:LFDLogitsProcessor"
    assert loader._load_v2_logitsprocs_by_fqcns([path]) == [LFDLogitsProcessor]
    assert issubclass(LFDLogitsProcessor, First)
    assert not LFDLogitsProcessor.__abstractmethods__


def test_rows_follow_slots_and_others_stay(known: Tapped) -> None:
    second = processor(slots([4] * 8, [4] * 8))
    assert not second.add_request(2, params())
    assert second.add_request(5, params(lfd=1))
    logits = batch(known, 3)
    before = logits.clone()
    found = second.apply(logits, context([2, 5, 7], [4, 4, 4]))
    assert torch.equal(found[0], before[0])
    assert torch.equal(found[2], before[2])
    assert not torch.equal(found[1], before[1])


def test_a_slot_forgets_its_last_request(known: Tapped) -> None:
    second = processor(slots([4] * 8, [4] * 8))
    second.add_request(1, params(lfd=1))
    second.add_request(1, params())
    logits = batch(known, 1)
    before = logits.clone()
    assert torch.equal(second.apply(logits, context([1], [4])), before)
    second.add_request(1, params(lfd=1))
    assert not torch.equal(second.apply(logits, context([1], [4])), before)


def test_the_middle_of_a_prompt_is_left_alone(known: Tapped) -> None:
    second = processor(slots([9], [9]))
    second.add_request(0, params(lfd=1))
    logits = batch(known, 1)
    before = logits.clone()
    assert torch.equal(second.apply(logits, context([0], [5])), before)


def test_the_layer_is_kept_between_choices(known: Tapped) -> None:
    """Prompt of 4 tokens, `every` 3: chosen after 0 and 3 tokens, kept after 1 and 2."""
    second, state = None, slots([4], [4])
    second = processor(state)
    second.add_request(0, params(lfd=1, every=3))
    used = []
    for generated in range(4):
        second.apply(batch(known, 1), context([0], [4 + generated]))
        used.append(second._wishes[0].place)
    assert used[1] is used[0]
    assert used[2] is used[0]
    assert used[3] is not used[0]


def test_after_preemption_the_layer_is_chosen_anew(known: Tapped) -> None:
    state = slots([4], [4])
    second = processor(state)
    second.add_request(0, params(lfd=1, every="once"))
    second.apply(batch(known, 1), context([0], [4]))
    state.prefill_len.np[0] = 7  # the prompt and three tokens of its own come again
    second.add_request(0, params(lfd=1, every="once"))
    logits = batch(known, 1)
    before = logits.clone()
    assert torch.equal(second.apply(logits, context([0], [6])), before)
    assert second._wishes[0].place is None
    second.apply(logits, context([0], [7]))
    assert second._wishes[0].place is not None


@pytest.mark.parametrize("case", ["no model", "no states", "other rows", "several rows"])
def test_where_it_cannot_work_nothing_is_raised_and_the_probe_says_no(
    model: Tapped, case: str
) -> None:
    from app.generation.lfd import runtime

    second = processor(slots([4] * 4, [4] * 4))
    second.add_request(0, params(lfd=1))
    second.add_request(1, params(lfd=1, probe=[3, 8]))
    logits = batch(model, 2)
    if case != "no model":
        runtime.put("played", model)
    if case == "no states":
        model.lfd_rows = None
    if case == "other rows":
        model.lfd_rows = model.lfd_rows[:1]
    before = logits.clone()
    mapping = [0, 1, 2] if case == "several rows" else [0, 1]
    found = second.apply(logits, context(mapping, [4] * len(mapping)))
    assert torch.equal(found[0], before[0])
    if case == "several rows":
        assert torch.equal(found, before)
    else:
        assert int(found[1].argmax()) == 8


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, IndexError, ValueError])
def test_what_fails_leaves_rows_as_they_are(known: Tapped, monkeypatch: Any, error: Any) -> None:
    def fails(_: Any) -> Any:
        raise error("scripted")

    monkeypatch.setattr(known, "lfd_project", fails)
    logits = batch(known, 2)
    before = logits.clone()
    alone, parallel = processor(slots([4] * 2, [4] * 2)), processor(slots([4], [4]), ranks=2)
    alone.add_request(0, params(lfd=1))
    alone.add_request(1, params(lfd=1, probe=[3, 8]))
    found = alone.apply(logits, context([0, 1], [4, 4]))
    assert torch.equal(found[0], before[0])
    assert int(found[1].argmax()) == 8  # the probe says no
    # With several devices the others would wait for this one for ever.
    parallel.add_request(0, params(lfd=1))
    with pytest.raises(error):
        parallel.apply(batch(known, 1), context([0], [4]))


def test_under_the_first_runner_a_choice_in_the_middle_of_a_prompt_does_not_last(
    known: Tapped,
) -> None:
    """After preemption the prompt and five tokens of its own are read again, in two parts."""
    from vllm.v1.sample.logits_processor.interface import BatchUpdate

    from app.generation.lfd.processor import LFDLogitsProcessor

    first = LFDLogitsProcessor(config(), torch.device("cpu"), False)
    generated = [7] * 5
    first.update_state(BatchUpdate(1, (), [(0, params(lfd=1, every="once"), None, generated)], ()))
    used = []
    for _ in range(2):
        first.apply(batch(known, 1))
        used.append(first._wishes[0].place)
    generated.append(7)
    first.apply(batch(known, 1))
    assert used[1] is not used[0]
    assert first._wishes[0].place is used[1]


def test_a_graph_that_was_compiled_without_the_taps_is_not_taken_for_ours() -> None:
    from app.generation.lfd.models import _own_cache

    config = SimpleNamespace(additional_config={"another": 1})
    _own_cache(config, (5, 6, 7))
    assert config.additional_config == {"another": 1, "anabranch_lfd_layers": [5, 7]}


def test_under_the_first_runner_requests_move_and_leave(known: Tapped) -> None:
    from vllm.v1.sample.logits_processor.interface import BatchUpdate, MoveDirectionality

    from app.generation.lfd.processor import LFDLogitsProcessor

    first = LFDLogitsProcessor(config(), torch.device("cpu"), False)

    def update(size: int, *, removed: Any = (), added: Any = (), moved: Any = ()) -> None:
        first.update_state(BatchUpdate(size, removed, added, moved))

    def changed(rows: int) -> list[bool]:
        logits = batch(known, rows)
        before = logits.clone()
        first.apply(logits)
        return [not torch.equal(a, b) for a, b in zip(logits, before, strict=True)]

    update(
        3, added=[(0, params(), None, []), (1, params(lfd=1), None, []), (2, params(), None, [])]
    )
    assert changed(3) == [False, True, False]
    update(3, moved=[(1, 2, MoveDirectionality.SWAP)])
    assert changed(3) == [False, False, True]
    update(2, removed=[0], moved=[(2, 0, MoveDirectionality.UNIDIRECTIONAL)])
    assert changed(2) == [True, False]
    update(2, added=[(0, params(), None, [])])
    assert changed(2) == [False, False]
    first.update_state(None)
    assert changed(2) == [False, False]


def test_parameters_are_checked_before_a_request_is_taken(monkeypatch: Any) -> None:
    from vllm import SamplingParams

    from app.generation.lfd import register
    from app.generation.lfd.processor import LFDLogitsProcessor as Processor

    register()
    Processor.validate_params(params(lfd=1))
    Processor.validate_params(SamplingParams())
    with pytest.raises(ValueError, match="lfd_alpha"):
        Processor.validate_params(params(lfd=1, alpha=7))
    with pytest.raises(ValueError, match="repetition_penalty"):
        Processor.validate_params(SamplingParams(extra_args={"lfd": 1}, repetition_penalty=1.1))
    Processor.validate_params(SamplingParams(extra_args={"lfd": 0}, repetition_penalty=1.1))
    monkeypatch.setattr("app.generation.lfd.processor.registered", lambda: False)
    with pytest.raises(ValueError, match="VLLM_PLUGINS"):
        Processor.validate_params(params(lfd=1))


def test_another_version_registers_nothing(monkeypatch: Any) -> None:
    import vllm
    from vllm.model_executor.models.registry import ModelRegistry

    from app.generation import lfd

    kept = dict(ModelRegistry.models)
    monkeypatch.setattr(ModelRegistry, "models", kept)
    for architecture in lfd.ARCHITECTURES:
        kept.pop(architecture, None)
    monkeypatch.setattr(vllm, "__version__", "0.26.0+cpu")
    lfd.register()
    assert not lfd.registered()
    assert "0.26.0" in lfd.unready()
    monkeypatch.setattr(vllm, "__version__", "0.32.0+cpu")
    lfd.register()
    lfd.register()
    assert lfd.registered()


def test_the_project_has_the_versions_and_names_that_it_says() -> None:
    import vllm

    from app.generation import lfd
    from app.generation.lfd import models

    assert vllm.__version__.partition("+")[0] in lfd.SUPPORTED_VLLM
    assert all(hasattr(models, name) for name in lfd.ARCHITECTURES.values())
    assert Path(models.__file__).parent == Path(lfd.__file__).parent
