"""Tells those who wait for a job that it has ended, without anybody polling."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from app.domain.jobs import TERMINAL, Job
from app.store.jobs import Jobs


class Bells:
    """One bell per job that somebody waits for."""

    def __init__(self, jobs: Jobs, look_s: float = 2.0) -> None:
        self._jobs, self._look_s = jobs, look_s
        self._waiting: defaultdict[str, set[asyncio.Future[Job]]] = defaultdict(set)
        self._expected: set[str] = set()

    def expect(self, job: Job) -> None:
        """The job was just accepted: until its bell rings nobody has to look whether it ended."""
        self._expected.add(job.id)

    def ring(self, job: Job) -> None:
        """The job has ended as it stands here."""
        self._expected.discard(job.id)
        for waiter in self._waiting.pop(job.id, ()):
            if not waiter.done():
                waiter.set_result(job)

    async def wait(self, job_id: str, seconds: float) -> Job:
        """The job as soon as it has ended, or as it stands after so many seconds.

        Raises:
            NotFound: Unknown, or of a deleted collection.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        sure = job_id in self._expected and seconds > 0
        while True:
            waiter: asyncio.Future[Job] = loop.create_future()
            # Listen first and look second: it may end in between.
            self._waiting[job_id].add(waiter)
            try:
                left = deadline - loop.time()
                if not sure:
                    job = await self._jobs.get(job_id)
                    if job.status in TERMINAL or left <= 0:
                        return job
                sure = False
                # Another process may end it, whose bell does not ring here: look now and then.
                async with asyncio.timeout(min(left, self._look_s)):
                    return await waiter
            except TimeoutError:
                continue
            finally:
                self._forget(job_id, waiter)

    def _forget(self, job_id: str, waiter: asyncio.Future[Job]) -> None:
        waiters = self._waiting.get(job_id)
        if waiters is not None:
            waiters.discard(waiter)
            if not waiters:
                del self._waiting[job_id]
