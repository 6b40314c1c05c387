"""The default model against vectors that PyTorch computed once (see the texts in the corpus)."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from retrievers.embedders.onnx import OnnxEmbedder

pytestmark = [pytest.mark.anyio, pytest.mark.weights]

CORPUS = Path(__file__).parents[3] / "corpus"
TEXTS: list[str] = json.loads((CORPUS / "encoder_texts.json").read_text(encoding="utf-8"))
FOLDER = Path(os.environ.get("ANABRANCH_TEST_MODEL", "data/models/all-MiniLM-L6-v2"))


@pytest.fixture
def reference() -> npt.NDArray[np.float32]:
    """transformers 5.24, torch 2.13: mean over the mask, L2 norm, cut at 256 tokens."""
    return np.asarray(np.load(CORPUS / "encoder_vectors.npy"))


@pytest.fixture
async def minilm() -> AsyncIterator[OnnxEmbedder]:
    if not (FOLDER / "model.onnx").is_file():
        pytest.skip(f"no model in {FOLDER}: run `anabranch models fetch`")
    embedder = OnnxEmbedder(FOLDER)
    await embedder.open()
    yield embedder
    await embedder.close()


async def test_padded_batches_give_the_reference_vectors(
    minilm: OnnxEmbedder, reference: npt.NDArray[np.float32]
) -> None:
    assert (await minilm.passages(TEXTS) * reference).sum(axis=1).min() >= 0.9999


async def test_each_text_alone_gives_its_reference_vector(
    minilm: OnnxEmbedder, reference: npt.NDArray[np.float32]
) -> None:
    alone = np.concatenate([await minilm.passages([text]) for text in TEXTS])
    assert (alone * reference).sum(axis=1).min() >= 0.9999


async def test_questions_are_rounded_to_eight_bits_unless_told_otherwise(
    minilm: OnnxEmbedder, reference: npt.NDArray[np.float32]
) -> None:
    exact = OnnxEmbedder(FOLDER, exact_questions=True)
    await exact.open()
    assert exact.fingerprint == minilm.fingerprint
    assert (await exact.queries(TEXTS) * reference).sum(axis=1).min() >= 0.9999
    await exact.close()
    rounded = (await minilm.queries(TEXTS) * reference).sum(axis=1)
    assert 0.994 <= rounded.min() < 0.9999  # the least likely questions: no words at all
    assert np.median(rounded) > 0.998


async def test_a_question_is_nearest_to_the_passage_that_answers_it(minilm: OnnxEmbedder) -> None:
    passages = await minilm.passages(
        [
            "The old lighthouse was given an electric lamp in 1923.",
            "The fish market moved to a hall beside the station.",
            "The ferry crosses to the islands twice a day.",
        ]
    )
    questions = await minilm.queries(["How often does the boat sail?", "Where is fish sold?"])
    assert (questions @ passages.T).argmax(axis=1).tolist() == [2, 1]
