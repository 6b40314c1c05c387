from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiny_bert import CONFIG, VOCABULARY, expected, tensors, write_model, write_safetensors

from app.weights.blocks import quantise
from app.weights.convert import convert
from retrievers.embedders.safetensors import UnusableModel

ROWS = [[2, 4, 3], [2, *range(5, 30), 3], [2, 3], [2, *range(10, 45), 3]]


def make(folder: Path) -> None:
    convert(folder, folder / "model.onnx", folder / "questions.onnx")


def run(folder: Path, rows: list[list[int]], graph: str = "model.onnx") -> npt.NDArray[np.float32]:
    """All rows in one padded batch; padding holds a real word, so an unmasked one would show."""
    make(folder)
    session = ort.InferenceSession(folder / graph, providers=["CPUExecutionProvider"])
    width = max(map(len, rows))
    ids = np.array([row + [7] * (width - len(row)) for row in rows], np.int64)
    mask = np.array([[1] * len(row) + [0] * (width - len(row)) for row in rows], np.int64)
    (vectors,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    return np.asarray(vectors)


def test_the_graph_computes_what_bert_is_defined_to_compute(tmp_path: Path) -> None:
    found = run(write_model(tmp_path), ROWS)
    np.testing.assert_allclose(found, expected(tensors(), ROWS), atol=1e-5)


def test_padding_does_not_change_a_vector(tmp_path: Path) -> None:
    together = run(write_model(tmp_path), ROWS)
    alone = np.concatenate([run(tmp_path, [row]) for row in ROWS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("width", [16, 24, 160])
def test_the_graph_for_questions_differs_by_rounding_only(tmp_path: Path, width: int) -> None:
    write_model(tmp_path, width=width)
    exact, rounded = run(tmp_path, ROWS), run(tmp_path, ROWS, "questions.onnx")
    assert ((exact * rounded).sum(axis=1) > 0.995).all()
    assert not np.allclose(exact, rounded, atol=1e-6)


def test_company_does_not_change_a_question(tmp_path: Path) -> None:
    together = run(write_model(tmp_path), ROWS, "questions.onnx")
    alone = np.concatenate([run(tmp_path, [row], "questions.onnx") for row in ROWS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@given(
    arrays(np.float32, (3, 40), elements=st.floats(-1e3, 1e3, width=32)),
    st.sampled_from([16, 32, 64]),
)
def test_rounding_errs_by_half_a_step_of_the_block_at_most(
    weights: npt.NDArray[np.float32], block: int
) -> None:
    whole, scales = quantise(weights, block)
    back = ((whole.astype(np.float32) - 128) * scales[..., None]).reshape(3, -1)
    step = np.repeat(scales, block, axis=1)
    assert (np.abs(back[:, :40] - weights) <= 0.501 * step[:, :40] + 1e-30).all()
    assert (back[:, 40:] == 0).all()


def test_vectors_have_unit_length(tmp_path: Path) -> None:
    lengths = np.linalg.norm(run(write_model(tmp_path), ROWS), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-6)


def test_names_with_the_prefix_of_a_larger_model_are_found(tmp_path: Path) -> None:
    write_model(tmp_path)
    prefixed = {f"bert.{name}": tensor for name, tensor in tensors().items()}
    write_safetensors(tmp_path / "model.safetensors", prefixed)
    np.testing.assert_allclose(run(tmp_path, ROWS), expected(tensors(), ROWS), atol=1e-5)


def test_the_graph_copies_no_weights(tmp_path: Path) -> None:
    write_model(tmp_path)
    make(tmp_path)
    table = tensors()["embeddings.word_embeddings.weight"]
    assert len(table) == len(VOCABULARY)
    assert table[9].tobytes() not in (tmp_path / "model.onnx").read_bytes()


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    write_model(tmp_path)
    for name in ("a", "b"):
        convert(tmp_path, tmp_path / name, tmp_path / f"{name}-questions")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a-questions").read_bytes() == (tmp_path / "b-questions").read_bytes()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "roberta"}, "'roberta'"),
        ({"hidden_act": "gelu_new"}, "'gelu_new'"),
        ({"position_embedding_type": "relative_key"}, "'relative_key'"),
        ({"num_hidden_layers": 3}, "lacks the tensor encoder.layer.2"),
    ],
)
def test_a_model_of_another_kind_is_refused(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    write_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | change))
    with pytest.raises(UnusableModel, match=said):
        make(tmp_path)


def test_a_config_without_the_sizes_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UnusableModel, match="lacks hidden_size"):
        make(tmp_path)


def test_a_damaged_config_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UnusableModel, match="is damaged"):
        make(tmp_path)


def test_weights_in_half_precision_are_refused(tmp_path: Path) -> None:
    write_model(tmp_path)
    halves = {name: tensor.astype(np.float16) for name, tensor in tensors().items()}
    write_safetensors(tmp_path / "model.safetensors", halves, "F16")
    with pytest.raises(UnusableModel, match="F16"):
        make(tmp_path)
