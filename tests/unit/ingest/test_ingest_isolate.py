"""Who is to blame when a batch breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from app.domain.errors import Rejected, StorageUnavailable, UnsupportedMedia
from app.ingest.isolate import caught, isolate
from app.ingest.problems import problem_of
from retrievers.errors import RetrieverUnavailable

pytestmark = pytest.mark.anyio


class Work:
    """Squares numbers; negative ones break it, some of them only for a while."""

    def __init__(self, error: Exception, times: int = 99) -> None:
        self.error, self.left, self.calls = error, times, 0

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.calls += 1
        if self.left and any(number < 0 for number in numbers):
            self.left -= 1
            raise self.error
        return [number * number for number in numbers]


async def test_a_batch_that_works_is_one_call() -> None:
    work = Work(ValueError())
    assert await isolate([1, 2, 3], work) == ([1, 4, 9], [])
    assert work.calls == 1


async def test_only_the_broken_one_is_left_out_after_three_attempts() -> None:
    work = Work(error := ValueError())
    assert await isolate([1, -2, 3], work) == ([1, 9], [(-2, error)])
    assert work.calls == 1 + 1 + 3 + 1


async def test_one_alone_is_tried_three_times_altogether() -> None:
    work = Work(error := ValueError())
    assert await isolate([-2], work) == ([], [(-2, error)])
    assert work.calls == 3


async def test_what_works_the_second_time_is_not_broken() -> None:
    assert await isolate([-2], Work(ValueError(), times=2)) == ([4], [])


async def test_what_was_refused_on_purpose_is_not_tried_again() -> None:
    work = Work(error := Rejected("no"))
    assert await isolate([-2], work) == ([], [(-2, error)])
    assert work.calls == 1


@pytest.mark.parametrize("error", [RetrieverUnavailable("x"), StorageUnavailable("x")])
async def test_trouble_of_the_surroundings_is_nobodys_fault(error: Exception) -> None:
    with pytest.raises(type(error)):
        await isolate([1, -2], Work(error))


async def test_cancelling_the_caller_cancels_the_work() -> None:
    started = asyncio.Event()

    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(caught(work()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_problem_says_what_a_caller_may_know() -> None:
    assert problem_of(Rejected("why", "empty_document"))["code"] == "empty_document"
    assert problem_of(UnsupportedMedia("why"))["status"] == 415
    assert problem_of(StorageUnavailable("why"))["status"] == 503
    assert problem_of(RetrieverUnavailable("why"))["detail"] == "why"
    assert "secret" not in str(problem_of(KeyError("secret")))
