"""What is sent to a server that decodes with fused layers, and what where it stops doing so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import stub_lfd
from generation_client import GOOD, KEPT, PROMPT, SAMPLING, Kept, client
from stub_llm import Cut, Hang, Raw, Reset, Script, Status, Stub, Text, stub

from app.domain.lfd import Fusing, Lfd, Probed, State
from app.domain.model import MalformedReply, ModelError, ModelUnavailable, PromptRefused, Sampling
from app.generation.fused import FusedModel
from app.generation.watch import Watch

pytestmark = pytest.mark.anyio

ON, ABSENT = Probed("on"), Probed("absent", "it ignores them")
SENT = {"lfd": 1, "lfd_alpha": 0.2, "lfd_weight": 2.0, "lfd_every": 16}
REPLY = Text(pieces=["Ada ", "kept ", "it."], usage=(31, 12))


def wish(*, asked: bool = True, wanted: bool = True) -> Fusing:
    return Fusing(Lfd(ON if wanted else ABSENT, asked, wanted, 0.2, 2.0, 16))


class Told(Watch):
    """A watch that is told what is known, and counts who speaks against it."""

    def __init__(self, state: State = "on") -> None:
        super().__init__(self._never, 300)
        self.last, self.stirred = Probed(state, "why" if state != "on" else ""), 0

    async def _never(self, seconds: float) -> Probed:
        raise AssertionError("it is not open")

    def stir(self) -> None:
        self.stirred += 1


@dataclass
class Here:
    server: Stub
    watch: Told
    model: FusedModel

    async def written(self, fusing: Fusing | None, seconds: float = 5) -> str:
        sampling = Sampling(50, seed=3, lfd=fusing)
        async with self.model.stream("synth", PROMPT, sampling, seconds) as writing:
            return "".join([piece async for piece in writing])


@asynccontextmanager
async def here(
    script: Script | None = None, lfd: stub_lfd.Lfd = stub_lfd.plugin, state: State = "on"
) -> AsyncIterator[Here]:
    async with stub(script or {"synth": [REPLY]}, lfd=lfd) as server, client(server) as made:
        watch = Told(state)
        yield Here(server, watch, FusedModel(made, watch))


async def test_the_parameters_are_sent_as_numbers_and_without_a_penalty() -> None:
    fusing = wish()
    async with here() as one:
        assert await one.written(fusing) == "Ada kept it."
        (request,) = one.server.requests
    assert request.vllm_xargs == SENT
    assert request.body["repetition_penalty"] == 1.0
    assert (request.body["seed"], request.body["max_tokens"]) == (3, 50)
    assert (fusing.sent, fusing.state, fusing.lost) == (True, "on", "")
    assert one.watch.stirred == 0


async def test_pieces_come_one_by_one_and_cost_what_the_server_says() -> None:
    async with here() as one:
        sampling = Sampling(50, lfd=wish())
        async with one.model.stream("synth", PROMPT, sampling, 5) as writing:
            assert [piece async for piece in writing] == ["Ada ", "kept ", "it."]
        done = writing.so_far()
    assert (done.value, done.spent.prompt_tokens, done.spent.completion_tokens) == (
        "Ada kept it.", 31, 12,
    )  # fmt: skip


@pytest.mark.parametrize("fusing", [None, wish(wanted=False), wish(asked=False, wanted=False)])
async def test_nothing_is_sent_where_it_is_not_wanted(fusing: Fusing | None) -> None:
    async with here() as one:
        assert await one.written(fusing) == "Ada kept it."
        (request,) = one.server.requests
    assert request.vllm_xargs is None
    assert "repetition_penalty" not in request.body
    assert fusing is None or (fusing.sent, fusing.lost) == (False, "")


@pytest.mark.parametrize("state", ["absent", "broken", "refused", "unknown"])
@pytest.mark.parametrize("asked", [True, False])
async def test_nothing_is_sent_to_a_server_that_lost_it_meanwhile(state: Any, asked: bool) -> None:
    fusing = wish(asked=asked)
    async with here(state=state) as one:
        assert await one.written(fusing) == "Ada kept it."
        assert one.server.requests[0].vllm_xargs is None
    assert (fusing.sent, fusing.state) == (False, state)
    assert fusing.lost == (f"{state}: why" if asked else "")


@pytest.mark.parametrize(
    "lfd", [stub_lfd.half_loaded, stub_lfd.strict, stub_lfd.quoting], ids=lambda one: one.__name__
)
@pytest.mark.parametrize("asked", [True, False])
async def test_a_server_that_refuses_them_now_is_asked_once_more_without(
    lfd: stub_lfd.Lfd, asked: bool
) -> None:
    fusing = wish(asked=asked)
    async with here(lfd=lfd) as one:
        assert await one.written(fusing) == "Ada kept it."
        first, second = one.server.requests
    assert (first.vllm_xargs, second.vllm_xargs) == (SENT, None)
    assert "repetition_penalty" not in second.body
    assert (fusing.sent, one.watch.stirred) == (False, 1)
    assert fusing.lost.startswith("refused: ")


async def test_it_is_asked_once_more_only() -> None:
    fusing = wish()
    refusing: Script = {"synth": [Status(400, body="lfd too is too long")]}
    async with here(refusing, stub_lfd.half_loaded) as one:
        with pytest.raises(PromptRefused):
            await one.written(fusing)
        assert len(one.server.requests) == 2


async def test_another_refusal_is_one() -> None:
    async with here({"synth": [Status(400, body="the prompt is too long")]}) as one:
        with pytest.raises(PromptRefused):
            await one.written(fusing := wish())
        assert len(one.server.requests) == 1
    assert (fusing.sent, fusing.lost, one.watch.stirred) == (True, "", 0)


async def test_after_the_first_piece_nothing_is_asked_again() -> None:
    error = b'data: {"error": {"message": "lfd broke", "code": 400}}\n\n'
    piece = b'data: {"choices": [{"delta": {"content": "Ada"}}]}\n\n'
    async with here({"synth": [Raw([piece, error])]}) as one:
        with pytest.raises(PromptRefused) as refused:
            await one.written(wish())
        assert len(one.server.requests) == 1
    assert "broke" not in str(refused.value)


@pytest.mark.parametrize("reply", [Reset(), Cut(["Ada"]), Cut([]), Cut(["Ada"], clean=False)])
@pytest.mark.parametrize("fusing", [None, wish()], ids=["plain", "fused"])
async def test_a_broken_connection_has_the_server_probed_again(
    reply: Any, fusing: Fusing | None
) -> None:
    async with here({"synth": [reply]}) as one:
        with pytest.raises(ModelUnavailable):
            await one.written(fusing)
        assert one.watch.stirred == 1


async def test_a_server_that_is_too_slow_is_probed_again() -> None:
    async with here({"synth": [Hang()]}) as one:
        with pytest.raises(ModelUnavailable):
            await one.written(wish(), seconds=0.05)
        assert one.watch.stirred == 1


async def test_a_server_that_answers_is_not() -> None:
    async with here({"*": [Status(503)]}) as one:
        for _ in range(2):
            with pytest.raises(ModelUnavailable):
                await one.written(None)
        with pytest.raises(ModelUnavailable):
            await one.model.complete("plan", PROMPT, Kept, SAMPLING, 5)
        assert one.watch.stirred == 0


async def test_a_reply_without_a_text_costs_what_it_cost() -> None:
    async with here({"synth": [Text(pieces=[""], usage=(31, 0))]}) as one:
        with pytest.raises(MalformedReply) as failed:
            await one.written(wish())
    assert isinstance(failed.value, ModelError)
    assert (failed.value.spent.calls, failed.value.spent.prompt_tokens) == (1, 31)


async def test_replies_in_json_are_never_decoded_so() -> None:
    async with here({"plan": [Text(GOOD), Reset()]}) as one:
        sampling = Sampling(50, lfd=wish())
        done = await one.model.complete("plan", PROMPT, Kept, sampling, 5)
        assert done.value == KEPT
        assert one.server.requests[0].vllm_xargs is None
        with pytest.raises(ModelUnavailable):
            await one.model.complete("plan", PROMPT, Kept, sampling, 5)
        assert one.watch.stirred == 1
