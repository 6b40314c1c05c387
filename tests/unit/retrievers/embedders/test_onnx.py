from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_bert import CONFIG, VOCABULARY, expected, tensors, tokenizer, write_model

from app.weights.fetch import prepare
from retrievers.embedders.onnx import OnnxEmbedder
from retrievers.errors import RetrieverUnavailable

pytestmark = pytest.mark.anyio

TEXTS = ["the river", "", "A ferry crosses the river.", "lamp? lamp!", "harbours " * 9]


def token_ids(text: str, limit: int) -> list[int]:
    plain = tokenizer()
    plain.no_truncation()
    plain.no_padding()
    ids: list[int] = plain.encode(text, add_special_tokens=False).ids
    return [2, *ids[: limit - 2], 3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return prepare(write_model(tmp_path / "tiny"), lambda _: None)


@pytest.fixture
async def embedder(folder: Path):
    made = OnnxEmbedder(folder, max_tokens=40, exact_questions=True)
    await made.open()
    yield made
    await made.close()


async def test_vectors_are_the_models_in_the_order_of_the_texts(embedder: OnnxEmbedder) -> None:
    wanted = expected(tensors(), [token_ids(text, 40) for text in TEXTS])
    assert embedder.dimension == 16
    for vectors in (await embedder.queries(TEXTS), await embedder.passages(TEXTS)):
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, wanted, atol=1e-5)


async def test_a_text_has_the_same_vector_alone_and_in_company(embedder: OnnxEmbedder) -> None:
    together = await embedder.passages(TEXTS)
    alone = np.concatenate([await embedder.passages([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


async def test_a_long_text_is_cut_at_the_set_limit_not_at_the_tokenizers(folder: Path) -> None:
    text = "the lamp " * 30
    found = []
    for limit in (8, 20, 40):
        embedder = OnnxEmbedder(folder, max_tokens=limit, exact_questions=True)
        await embedder.open()
        found.append((await embedder.queries([text]))[0])
        await embedder.close()
    wanted = expected(tensors(), [token_ids(text, limit) for limit in (8, 20, 40)])
    np.testing.assert_allclose(found, wanted, atol=1e-5)


async def test_more_passages_than_the_lane_may_hold_are_no_problem(embedder: OnnxEmbedder) -> None:
    vectors = await embedder.passages([f"lamp {number}" for number in range(1000)])
    assert vectors.shape == (1000, 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_no_texts_give_no_vectors(embedder: OnnxEmbedder) -> None:
    assert (await embedder.queries([])).shape == (0, 16)
    assert (await embedder.passages([])).shape == (0, 16)


async def test_offsets_cover_the_whole_text_in_code_points(embedder: OnnxEmbedder) -> None:
    text = "🚢 the River, " * 10 + "harbours"
    words = [text[start:end] for start, end in embedder.offsets(text)]
    assert words == ["🚢", "the", "River", ","] * 10 + ["harbour", "s"]


async def test_the_fingerprint_names_weights_and_limit_but_not_the_place(
    folder: Path, tmp_path: Path
) -> None:
    async def fingerprint(folder: Path, max_tokens: int = 40) -> str:
        embedder = OnnxEmbedder(folder, max_tokens=max_tokens)
        await embedder.open()
        await embedder.close()
        return embedder.fingerprint

    first = await fingerprint(folder)
    assert await fingerprint(Path(shutil.copytree(folder, tmp_path / "copy"))) == first
    assert await fingerprint(folder, max_tokens=39) != first
    other = prepare(write_model(tmp_path / "other", seed=1), lambda _: None)
    assert await fingerprint(other) != first


async def test_an_encoder_that_is_not_open_says_so(folder: Path) -> None:
    embedder = OnnxEmbedder(folder)
    with pytest.raises(RetrieverUnavailable, match="not open"):
        await embedder.queries(["x"])


async def test_a_closed_encoder_says_so(folder: Path) -> None:
    embedder = OnnxEmbedder(folder, max_tokens=40)
    await embedder.open()
    await embedder.close()
    for ask in (embedder.queries, embedder.passages):
        with pytest.raises(RetrieverUnavailable, match="closed"):
            await ask(["x"])


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "model.onnx", "model.safetensors"]
)
@pytest.mark.parametrize("damaged", [True, False])
async def test_a_missing_or_damaged_file_is_an_unavailable_encoder(
    folder: Path, name: str, damaged: bool
) -> None:
    (folder / name).unlink()
    if damaged:
        (folder / name).write_bytes(b"\xff" * 7)
    with pytest.raises(RetrieverUnavailable, match="cannot be loaded"):
        await OnnxEmbedder(folder, max_tokens=40).open()


async def test_a_damaged_graph_for_questions_is_an_unavailable_encoder(folder: Path) -> None:
    (folder / "questions.onnx").write_bytes(b"\xff" * 7)
    with pytest.raises(RetrieverUnavailable, match="cannot be loaded"):
        await OnnxEmbedder(folder, max_tokens=40).open()


async def test_a_folder_with_one_graph_takes_it_for_questions_too(folder: Path) -> None:
    (folder / "questions.onnx").unlink()
    embedder = OnnxEmbedder(folder, max_tokens=40)
    await embedder.open()
    found, wanted = await embedder.queries(TEXTS), await embedder.passages(TEXTS)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    await embedder.close()


async def test_more_tokens_than_the_model_has_positions_for_are_refused(folder: Path) -> None:
    with pytest.raises(RetrieverUnavailable, match="takes 48 tokens, 49 are set"):
        await OnnxEmbedder(folder, max_tokens=49).open()


async def test_a_graph_that_gives_vectors_of_tokens_is_averaged(tmp_path: Path) -> None:
    """As other exporters write them: token types as input, one vector per token as output."""
    folder = write_model(tmp_path)
    table = np.random.default_rng(1).normal(size=(len(VOCABULARY), 16)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Gather", ["table", "token_type_ids"], ["types"]),
        helper.make_node("Add", ["words", "types"], ["last_hidden_state"]),
    ]
    shape = ["batch", "tokens"]
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in names]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*shape, 16])
    weights = [numpy_helper.from_array(table, "table")]
    graph = helper.make_graph(nodes, "tokens", inputs, [output], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())

    embedder = OnnxEmbedder(folder, max_tokens=CONFIG["max_position_embeddings"])
    await embedder.open()
    found = await embedder.queries(TEXTS)
    await embedder.close()
    sums = np.array([(table[token_ids(text, 48)] + table[0]).sum(axis=0) for text in TEXTS])
    wanted = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
