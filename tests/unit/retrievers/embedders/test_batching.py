from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from retrievers.embedders.batching import BatchingEmbedder
from retrievers.embedders.hashing import HashingEmbedder
from retrievers.errors import QueryRefused, RetrieverUnavailable
from retrievers.protocol import Matrix

pytestmark = pytest.mark.anyio


class Gated(HashingEmbedder):
    """Records its runs; while the gate is shut they do not end."""

    def __init__(self) -> None:
        super().__init__(32)
        self.runs: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures: dict[str, Exception] = {}

    async def queries(self, texts: Sequence[str]) -> Matrix:
        self.runs.append(list(texts))
        await self.gate.wait()
        for text in texts:
            if text in self.failures:
                raise self.failures[text]
        return await super().queries(texts)


async def turns(count: int = 10) -> None:
    """Let everything run that can."""
    for _ in range(count):
        await asyncio.sleep(0)


async def vector(text: str) -> list[float]:
    return (await HashingEmbedder(32).queries([text]))[0].tolist()


async def test_an_idle_embedder_does_not_wait_for_company() -> None:
    embedder = BatchingEmbedder(Gated())
    assert (await embedder.queries(["a"]))[0].tolist() == await vector("a")


async def test_calls_of_the_same_moment_share_a_run() -> None:
    inner = Gated()
    embedder = BatchingEmbedder(inner)
    found = await asyncio.gather(*(embedder.queries([text]) for text in "abcd"))
    assert inner.runs == [["a", "b", "c", "d"]]
    assert [one[0].tolist() for one in found] == [await vector(text) for text in "abcd"]


async def test_what_is_asked_during_a_run_goes_together_in_the_next() -> None:
    inner = Gated()
    inner.gate.clear()
    embedder = BatchingEmbedder(inner)
    first = asyncio.create_task(embedder.queries(["a"]))
    await turns()
    rest = []
    for text in "bcd":
        rest.append(asyncio.create_task(embedder.queries([text])))
        await turns()
    assert inner.runs == [["a"]]
    inner.gate.set()
    await asyncio.gather(first, *rest)
    assert inner.runs == [["a"], ["b", "c", "d"]]


async def test_runs_are_bounded_in_texts_and_in_number() -> None:
    inner = Gated()
    inner.gate.clear()
    embedder = BatchingEmbedder(inner, runs=2, batch=3)
    asked = [asyncio.create_task(embedder.queries([text])) for text in "abcdefghij"]
    await turns()
    assert [len(run) for run in inner.runs] == [3, 3]
    inner.gate.set()
    await asyncio.gather(*asked)
    assert max(len(run) for run in inner.runs) <= 3
    assert sorted(text for run in inner.runs for text in run) == list("abcdefghij")


async def test_a_text_asked_twice_at_once_is_embedded_once() -> None:
    inner = Gated()
    inner.gate.clear()
    embedder = BatchingEmbedder(inner)
    one = asyncio.create_task(embedder.queries(["a", "b", "a"]))
    await turns()
    other = asyncio.create_task(embedder.queries(["b"]))
    await turns()
    inner.gate.set()
    assert (await one)[[0, 2]].tolist() == [await vector("a")] * 2
    assert (await other)[0].tolist() == await vector("b")
    assert inner.runs == [["a", "b"]]


async def test_a_known_text_is_not_embedded_again_until_it_is_the_longest_unused() -> None:
    inner = Gated()
    embedder = BatchingEmbedder(inner, cache=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        assert (await embedder.queries([text]))[0].tolist() == await vector(text)
    assert inner.runs == [["a"], ["b"], ["c"], ["b"]]


async def test_a_caller_who_changes_a_vector_does_not_change_the_next_ones() -> None:
    embedder = BatchingEmbedder(Gated())
    (await embedder.queries(["a"]))[:] = 0
    assert (await embedder.queries(["a"]))[0].tolist() == await vector("a")


async def test_who_leaves_does_not_take_the_vector_from_others() -> None:
    inner = Gated()
    inner.gate.clear()
    embedder = BatchingEmbedder(inner)
    leaving, staying = (asyncio.create_task(embedder.queries(["a"])) for _ in range(2))
    await turns()
    leaving.cancel()
    await turns()
    inner.gate.set()
    assert (await staying)[0].tolist() == await vector("a")
    assert leaving.cancelled()
    assert inner.runs == [["a"]]


async def test_a_text_nobody_waits_for_any_more_is_not_embedded() -> None:
    inner = Gated()
    inner.gate.clear()
    embedder = BatchingEmbedder(inner)
    running = asyncio.create_task(embedder.queries(["a"]))
    await turns()
    leaving = asyncio.create_task(embedder.queries(["b"]))
    staying = asyncio.create_task(embedder.queries(["c"]))
    await turns()
    leaving.cancel()
    await turns()
    inner.gate.set()
    await asyncio.gather(running, staying)
    assert inner.runs == [["a"], ["c"]]
    assert (await embedder.queries(["b"]))[0].tolist() == await vector("b")


async def test_a_run_everybody_left_is_finished_and_remembered() -> None:
    inner = Gated()
    inner.gate.clear()
    embedder = BatchingEmbedder(inner)
    leaving = asyncio.create_task(embedder.queries(["a"]))
    await turns()
    leaving.cancel()
    await turns()
    inner.gate.set()
    await turns()
    await embedder.queries(["a"])
    assert inner.runs == [["a"]]


async def test_beyond_the_backlog_a_call_is_refused_and_the_others_are_not() -> None:
    inner = Gated()
    inner.gate.clear()
    embedder = BatchingEmbedder(inner, backlog=2)
    running = asyncio.create_task(embedder.queries(["a"]))
    await turns()
    waiting = asyncio.create_task(embedder.queries(["b", "c"]))
    await turns()
    with pytest.raises(RetrieverUnavailable, match="too many"):
        await embedder.queries(["d"])
    inner.gate.set()
    await asyncio.gather(running, waiting)
    assert (await embedder.queries(["d"])).shape == (1, 32)


async def test_a_failed_run_fails_its_callers_and_no_later_ones() -> None:
    inner = Gated()
    inner.failures["a"] = RetrieverUnavailable("away")
    embedder = BatchingEmbedder(inner)
    found = await asyncio.gather(
        embedder.queries(["a"]), embedder.queries(["b"]), return_exceptions=True
    )
    assert [str(one) for one in found] == ["away", "away"]
    inner.failures.clear()
    assert (await embedder.queries(["a", "b"])).shape == (2, 32)


async def test_a_refused_text_does_not_fail_the_others_of_its_run() -> None:
    inner = Gated()
    inner.failures["b"] = QueryRefused("too long")
    embedder = BatchingEmbedder(inner)
    calls = (embedder.queries([text]) for text in "abc")
    a, b, c = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(b, QueryRefused)
    assert a[0].tolist() == await vector("a")
    assert c[0].tolist() == await vector("c")


async def test_a_bug_in_the_inner_embedder_reaches_the_caller() -> None:
    inner = Gated()
    inner.failures["a"] = ZeroDivisionError("bug")
    with pytest.raises(ZeroDivisionError):
        await BatchingEmbedder(inner).queries(["a"])


async def test_closing_ends_those_who_wait_and_refuses_new_ones() -> None:
    inner = Gated()
    inner.gate.clear()
    embedder = BatchingEmbedder(inner)
    running = asyncio.create_task(embedder.queries(["a"]))
    await turns()
    waiting = asyncio.create_task(embedder.queries(["b"]))
    await turns()
    await embedder.close()
    for call in (running, waiting):
        with pytest.raises(RetrieverUnavailable, match="closed"):
            await call
    with pytest.raises(RetrieverUnavailable, match="closed"):
        await embedder.queries(["c"])


async def test_everything_else_is_the_inner_embedders() -> None:
    inner = Gated()
    embedder = BatchingEmbedder(inner)
    assert (embedder.fingerprint, embedder.dimension) == (inner.fingerprint, 32)
    assert embedder.max_tokens == inner.max_tokens
    assert embedder.offsets("oak beam") == [(0, 3), (4, 8)]
    np.testing.assert_array_equal(await embedder.passages(["a"]), await inner.passages(["a"]))
    assert (await embedder.queries([])).shape == (0, 32)
    await inner.close()
