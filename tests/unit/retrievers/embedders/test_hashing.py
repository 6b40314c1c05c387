from __future__ import annotations

import numpy as np
import pytest

from retrievers.embedders.hashing import HashingEmbedder

pytestmark = pytest.mark.anyio

# fmt: off
GOLDEN = [
    0.275070, 0.225851, -0.079619, -0.066614, -0.487916, 0.013005, -0.121749, -0.500920,
    -0.066614, -0.091781, -0.277265, 0.000000, 0.000000, 0.500920, 0.013005, 0.133227,
]
# fmt: on
PASSAGES = [
    "The ferry to the islands leaves twice a day.",
    "A lighthouse keeper wrote down the weather.",
    "Oak beams were found under the pier.",
]


async def test_vectors_are_the_same_in_every_process() -> None:
    # Stored figures: Python's own hash would change them at each start.
    vector = (await HashingEmbedder(16).queries(["The lighthouse keepers' weather"]))[0]
    np.testing.assert_allclose(vector, GOLDEN, atol=1e-6)


async def test_questions_and_passages_are_embedded_alike() -> None:
    embedder = HashingEmbedder()
    np.testing.assert_array_equal(
        await embedder.queries(PASSAGES), await embedder.passages(PASSAGES)
    )
    await embedder.close()


async def test_a_passage_with_the_questions_words_is_nearest() -> None:
    embedder = HashingEmbedder()
    questions = ["When do ferries leave?", "Who kept a record of weather?", "Which beam was found?"]
    scores = await embedder.queries(questions) @ (await embedder.passages(PASSAGES)).T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2]
    await embedder.close()


async def test_inflection_case_and_width_matter_little() -> None:
    one, other = await HashingEmbedder().queries(
        ["\N{FULLWIDTH LATIN CAPITAL LETTER F}erries leaving", "ferry leaves"]
    )
    assert one @ other > 0.7


async def test_misspelt_words_are_still_near() -> None:
    right, wrong, far = await HashingEmbedder().queries(["lighthouse", "lihgthouse", "ferry"])
    assert right @ wrong > 0.08 > right @ far


@pytest.mark.parametrize("text", ["", " \n", "?", "the of and", "東京タワー", "🚢", "\udc80"])
async def test_every_text_has_a_direction(text: str) -> None:
    for dimension in (2, 384):
        vector = (await HashingEmbedder(dimension).queries([text]))[0]
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


async def test_many_passages_keep_their_order() -> None:
    embedder = HashingEmbedder(64)
    texts = [f"text {number}" for number in range(200)]
    vectors = await embedder.passages(texts)
    np.testing.assert_array_equal(vectors[150], (await embedder.queries([texts[150]]))[0])
    assert vectors.shape == (200, 64)
    assert (await embedder.passages([])).shape == (0, 64)
    await embedder.close()


def test_the_fingerprint_names_the_dimension() -> None:
    assert HashingEmbedder(64).fingerprint != HashingEmbedder(384).fingerprint


def test_offsets_are_spans_of_the_text() -> None:
    text = "Oak beams, 東京!"
    spans = HashingEmbedder().offsets(text)
    assert [text[start:end] for start, end in spans] == ["Oak", "beams", ",", "東", "京", "!"]
