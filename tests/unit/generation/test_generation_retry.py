"""When a failure is tried again, and after which pause."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from generation_client import Pauses

from app.domain.model import ModelUnavailable
from app.generation.deadline import Deadline
from app.generation.retry import Passing, Retries, retry_after

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


def failing(times: int, wait_s: float = 0) -> Callable[[], Awaitable[int]]:
    """Fails so often, then gives the number of its calls."""
    calls = [0]

    async def attempt() -> int:
        calls[0] += 1
        if calls[0] <= times:
            raise Passing("busy", wait_s)
        return calls[0]

    return attempt


async def test_pauses_double_and_jitter_spreads_each_over_its_upper_half() -> None:
    for jitter, wanted in ((0.0, [0.2, 0.4, 0.8]), (0.999, [0.4, 0.8, 1.6])):
        pauses = Pauses()
        tries = Retries(3, 0.4, lambda jitter=jitter: jitter, pauses.sleep)
        assert await tries.run(failing(3), Deadline.after(60)) == 4
        assert pauses.taken == pytest.approx(wanted, rel=1e-2)


async def test_the_same_seed_gives_the_same_pauses() -> None:
    taken = []
    for _ in range(2):
        pauses = Pauses()
        tries = Retries(3, 0.4, random.Random(5).random, pauses.sleep)
        await tries.run(failing(3), Deadline.after(60))
        taken.append(pauses.taken)
    assert taken[0] == taken[1]


async def test_what_the_server_asks_for_is_the_least() -> None:
    pauses = Pauses()
    await Retries(1, 0.4, lambda: 0.5, pauses.sleep).run(failing(1, 7), Deadline.after(60))
    assert pauses.taken == pytest.approx([7.3])


async def test_no_try_comes_after_the_deadline() -> None:
    pauses = Pauses()
    with pytest.raises(ModelUnavailable, match=r"busy; the next try, in 7\.3 s, would be too late"):
        await Retries(1, 0.4, lambda: 0.5, pauses.sleep).run(failing(1, 7), Deadline.after(7))
    assert pauses.taken == []


async def test_tries_end() -> None:
    with pytest.raises(Passing, match="busy"):
        await Retries(2, 0, sleep=Pauses().sleep).run(failing(3), Deadline.after(60))


async def test_other_failures_are_not_tried_again() -> None:
    calls = []

    async def attempt() -> None:
        calls.append(1)
        raise ModelUnavailable("for good")

    with pytest.raises(ModelUnavailable, match="for good"):
        await Retries(2, 0, sleep=Pauses().sleep).run(attempt, Deadline.after(60))
    assert calls == [1]


@pytest.mark.parametrize("seconds", [0, -1])
async def test_without_time_nothing_is_tried(seconds: float) -> None:
    with pytest.raises(ModelUnavailable, match="no answer within 0 s"):
        await Retries().run(failing(0), Deadline.after(seconds))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        (" 0.25 ", 0.25),
        ("Wed, 25 Nov 2026 12:00:30 GMT", 30),
        ("Wed, 25 Nov 2026 12:00:30 -0000", 30),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0),
        ("soon", 0),
        ("-5", 0),
        ("inf", 0),
        ("nan", 0),
        ("٣", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str | None, seconds: float) -> None:
    assert retry_after(value, NOW) == seconds
