from __future__ import annotations

import asyncio
import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievers.embedders.batching import BatchingEmbedder
from retrievers.embedders.hashing import HashingEmbedder
from retrievers.embedders.packing import Shape, pack
from retrievers.embedders.pieces import spans

shapes = st.builds(Shape, rows=st.integers(1, 20), padded_tokens=st.integers(1, 400))


@settings(deadline=None)
@given(st.lists(st.integers(1, 300), max_size=60), shapes)
def test_every_text_is_packed_once_within_the_limits(lengths: list[int], shape: Shape) -> None:
    batches = list(pack(lengths, shape))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = len(batch) * max(lengths[index] for index in batch)
        assert len(batch) <= shape.rows
        assert padded <= shape.padded_tokens or len(batch) == 1


@settings(deadline=None)
@given(st.text())
def test_spans_are_ordered_inside_the_text_and_miss_nothing_but_space(text: str) -> None:
    end_before = 0
    for start, end in spans(text):
        assert end_before <= start < end <= len(text)
        assert not text[end_before:start].strip()
        end_before = end
    assert not text[end_before:].strip()


@settings(deadline=None)
@given(st.text(), st.integers(1, 64))
def test_hashed_vectors_have_unit_length(text: str, dimension: int) -> None:
    vectors = asyncio.run(HashingEmbedder(dimension).queries([text]))
    assert abs(np.linalg.norm(vectors) - 1) < 1e-5


calls = st.lists(st.tuples(st.lists(st.sampled_from("abcdefgh"), max_size=4), st.booleans()))


@settings(deadline=None)
@given(calls, st.integers(1, 3), st.integers(1, 4), st.integers(0, 4), st.integers(0, 2**32))
def test_joined_calls_get_what_each_would_get_alone(
    calls: list[tuple[list[str], bool]], runs: int, batch: int, cache: int, seed: int
) -> None:
    """Callers come and go (those marked True are cancelled at some point) in random order."""
    chance = random.Random(seed)

    class Slow(HashingEmbedder):
        async def queries(self, texts):
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
            return await super().queries(texts)

    async def play() -> None:
        plain = HashingEmbedder(16)
        embedder = BatchingEmbedder(Slow(16), cache=cache, runs=runs, batch=batch)
        tasks = []
        for texts, leaves in calls:
            tasks.append((texts, leaves, asyncio.create_task(embedder.queries(texts))))
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
            if leaves:
                tasks[-1][2].cancel()
        for texts, leaves, task in tasks:
            (found,) = await asyncio.gather(task, return_exceptions=True)
            if not (leaves and isinstance(found, asyncio.CancelledError)):
                np.testing.assert_array_equal(found, await plain.queries(texts))
        await embedder.close()

    asyncio.run(play())
