"""Whether a server decodes with fused layers, by what it answers to a probe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import stub_lfd
from generation_client import KEY, endpoint
from stub_llm import Stub, stub

from app.domain.lfd import Probed
from app.generation.endpoint import Endpoint
from app.generation.probe import probe

pytestmark = pytest.mark.anyio

THEN = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@asynccontextmanager
async def probing(lfd: stub_lfd.Lfd, retries: int = 0) -> AsyncIterator[tuple[Stub, Endpoint]]:
    async with stub({}, lfd=lfd) as server:
        opened = endpoint(server.url, retries=retries)
        await opened.open()
        try:
            yield server, opened
        finally:
            await opened.close()


async def probed(lfd: stub_lfd.Lfd, seconds: float = 5) -> tuple[Probed, list[list[int]]]:
    """The result, and the tokens of each probe."""
    async with probing(lfd) as (server, opened):
        found = await probe(opened, "some-model", seconds, lambda: THEN)
        return found, [request.vllm_xargs["lfd_probe"] for request in server.probes]  # type: ignore[index]  # each has some


async def test_a_plugin_that_works_answers_the_first_token_in_both_orders() -> None:
    found, ((a, b), second) = await probed(stub_lfd.plugin)
    assert found == Probed("on", "", THEN)
    assert second == [b, a]
    assert a != b
    assert all(10 <= token <= 200 for token in (a, b))


async def test_a_plugin_whose_self_check_fails_is_broken() -> None:
    found, asked = await probed(stub_lfd.broken)
    assert (found.state, found.checked_at, len(asked)) == ("broken", THEN, 2)
    assert "self-check failed" in found.reason


@pytest.mark.parametrize("lfd", [stub_lfd.without, stub_lfd.stubborn, stub_lfd.plain])
async def test_a_server_that_ignores_the_arguments_has_none(lfd: stub_lfd.Lfd) -> None:
    found, _ = await probed(lfd)
    assert found == Probed("absent", "the model server ignores LFD arguments", THEN)


async def test_tokens_that_may_be_special_are_tried_in_a_second_pair() -> None:
    def special(request: Any) -> Any:
        """A working plugin in a server that never says tokens below 150."""
        said = stub_lfd.plugin(request)
        low = min(request.vllm_xargs["lfd_probe"]) < 150
        return stub_lfd.without(request) if low else said

    found, asked = await probed(special)
    assert (found.state, len(asked)) == ("on", 4)


async def test_a_refusal_of_the_plugin_is_told_in_its_words() -> None:
    found, asked = await probed(stub_lfd.half_loaded)
    assert found == Probed("refused", stub_lfd.HALF[:200], THEN)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("lfd", "status"),
    [(stub_lfd.strict, 400), (stub_lfd.quoting, 400), (stub_lfd.chats_only, 404)],
)
async def test_a_server_that_refuses_unknown_fields_has_none(
    lfd: stub_lfd.Lfd, status: int
) -> None:
    found, asked = await probed(lfd)
    assert (found.state, len(asked)) == ("absent", 1)
    assert str(status) in found.reason


@pytest.mark.parametrize("lfd", [stub_lfd.locked, stub_lfd.failing, stub_lfd.away])
async def test_nothing_is_known_of_a_server_that_cannot_be_asked(lfd: stub_lfd.Lfd) -> None:
    found, asked = await probed(lfd)
    assert (found.state, len(asked)) == ("unknown", 1)
    assert found.reason
    assert KEY not in found.reason


async def test_nothing_is_known_of_a_server_that_does_not_answer_in_time() -> None:
    found, _ = await probed(stub_lfd.hanging, seconds=0.05)
    assert (found.state, found.reason) == ("unknown", "no answer within 0.05 s")


async def test_an_answer_that_is_no_completion_is_none() -> None:
    assert (await probed(stub_lfd.garbled))[0].state == "absent"


async def test_a_probe_asks_for_no_more_than_a_token_and_without_penalty() -> None:
    async with probing(stub_lfd.plugin) as (server, opened):
        await probe(opened, "some-model", 5)
        first = server.probes[0]
    assert (first.path, first.step, first.model) == ("/v1/completions", "lfd.probe", "some-model")
    assert first.body["max_tokens"] == 1
    assert first.body["repetition_penalty"] == 1.0
    assert server.requests == []


async def test_what_a_server_quotes_of_our_key_is_masked() -> None:
    def leaking(request: Any) -> Any:
        return stub_lfd.Status(400, body=f"lfd is not for {KEY}")

    found, _ = await probed(leaking)
    assert found == Probed("refused", "lfd is not for ***", THEN)
