"""No update is lost: writers, workers whose steps are torn apart, and crashes, in any order."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from store_library import Library, Watch, source

from app.domain.errors import NotFound
from app.store.jobs import Lease
from app.store.session import Database
from app.store.stale import Mark
from retrievers.types import DocumentKey

T = TypeVar("T")
Image = dict[DocumentKey, frozenset[tuple[int, str]]]
PROJECTION = "vector"  # one is enough: they do not meet
DOCUMENTS = st.sampled_from(["a", "b"])
TEXTS = st.sampled_from(["", "one", "one\ntwo", "two\none", "one\none"])
TITLES = st.sampled_from(["", "T"])
# Memory where there is some to be had: the machine commits thousands of times.
FOLDER = "/dev/shm" if os.path.isdir("/dev/shm") else None


@dataclass
class Worker:
    """Keeps one projection's image, in the steps read, apply, commit, acknowledge."""

    durable: Image = field(default_factory=dict)
    searchable: Image = field(default_factory=dict)
    read: list[Mark] = field(default_factory=list)
    applied: list[Mark] = field(default_factory=list)
    committed: list[Mark] = field(default_factory=list)

    def crash(self) -> None:
        self.searchable = dict(self.durable)
        self.read, self.applied, self.committed = [], [], []


@dataclass
class Job:
    """Written and not yet published."""

    lease: Lease
    document: str
    version: int
    number: int
    lines: list[str]
    dropped: bool = False


class Machine(RuleBasedStateMachine):
    """The store beside a model of what readers must see."""

    schema: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(dir=FOLDER))
        shutil.copy(self.schema, self.folder / "anabranch.db")
        self.watch = Watch()
        self.worker = Worker()
        self.live: dict[str, tuple[int, list[str]]] = {}
        self.jobs: list[Job] = []
        self.accepted = 0
        self.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def start(self) -> None:
        async def open_library() -> Library:
            database = Database(f"sqlite:///{self.folder / 'anabranch.db'}")
            await database.open()
            return await Library(database, self.watch, [PROJECTION]).open()

        self.library = self.run(open_library())

    def teardown(self) -> None:
        self.run(self.library.database.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    # Writers

    @rule(document=DOCUMENTS, text=TEXTS, title=TITLES)
    def post(self, document: str, text: str, title: str) -> None:
        async def accept_and_write() -> None:
            posted = source(document, text, title)
            job = await self.library.documents.accept(self.library.here.id, [posted])
            if job.finished_at:
                return
            lease = await self.library.jobs.lease("worker", 1e9)
            assert lease is not None
            assert lease.job.id == job.id
            await self.library.build(lease)
            (written,) = await self.library.documents.written(lease)
            self.accepted += 1
            lines = [line for line in text.split("\n") if line]
            self.jobs.append(Job(lease, document, written.version, self.accepted, lines))

        self.run(accept_and_write())

    @precondition(lambda self: self.jobs)
    @rule(which=st.integers(0, 9))
    def publish(self, which: int) -> None:
        job = self.jobs.pop(which % len(self.jobs))
        self.run(self.library.publish(job.lease))
        if not job.dropped and job.number > self.live.get(job.document, (0, []))[0]:
            self.live[job.document] = (job.number, job.lines)

    @precondition(lambda self: self.jobs)
    @rule(which=st.integers(0, 9))
    def fail(self, which: int) -> None:
        async def give_up(job: Job) -> None:
            await self.library.documents.fail(job.lease, job.version, {"code": "unreadable"})
            await self.library.jobs.finish(job.lease)

        self.run(give_up(self.jobs.pop(which % len(self.jobs))))

    @rule(document=DOCUMENTS)
    def delete(self, document: str) -> None:
        waiting = [job for job in self.jobs if job.document == document and not job.dropped]
        known = bool(waiting) or document in self.live
        try:
            self.run(self.library.documents.delete(self.library.here.id, document))
        except NotFound:
            assert not known
        else:
            assert known
        self.live.pop(document, None)
        for job in waiting:
            job.dropped = True

    @rule(seconds=st.sampled_from([1, 400]))
    def purge(self, seconds: int) -> None:
        self.watch.forward(seconds)
        self.run(self.library.documents.purge())

    # Workers

    @rule(steps=st.integers(1, 4), wait=st.booleans())
    def work(self, steps: int, wait: bool) -> None:
        """The next of read, apply, commit, acknowledge; `wait` puts commits off."""
        for _ in range(steps):
            worker = self.worker
            if worker.committed:
                self.run(self.library.marks.acknowledge(PROJECTION, worker.committed))
                worker.committed = []
            elif worker.read:
                documents = [mark.document for mark in worker.read]
                truth = self.truth(documents)
                for document in documents:
                    worker.searchable[document] = truth.get(document, frozenset())
                worker.applied += worker.read
                worker.read = []
            elif worker.applied and not wait:
                worker.durable = dict(worker.searchable)
                worker.committed, worker.applied = worker.applied, []
            else:
                worker.read = self.run(self.library.marks.read(PROJECTION, self.library.here.id, 2))

    @rule(document=DOCUMENTS, text=TEXTS, title=TITLES)
    def post_before_the_acknowledgement(self, document: str, text: str, title: str) -> None:
        """The race that tokens are for; left to chance it comes up too rarely."""
        for _ in range(3):
            if not self.worker.committed:
                self.work(1, wait=False)
        self.post(document, text, title)

    @rule()
    def catch_up(self) -> None:
        worker = self.worker
        while worker.read or worker.applied or worker.committed or self.lag():
            self.work(1, wait=False)

    @rule(document=DOCUMENTS, text=TEXTS, title=TITLES)
    def see_through(self, document: str, text: str, title: str) -> None:
        """As in a quiet hour: posted, applied, published, applied."""
        before = len(self.jobs)
        self.post(document, text, title)
        self.catch_up()
        if len(self.jobs) > before:
            self.publish(len(self.jobs) - 1)
            self.catch_up()

    # Crashes

    @rule()
    def crash(self) -> None:
        self.run(self.library.database.close())
        self.start()
        self.worker.crash()
        self.run(self.library.jobs.reclaim())

        async def take_up() -> None:
            leases = {}
            while lease := await self.library.jobs.lease("heir", 1e9):
                leases[lease.job.id] = lease
            for job in self.jobs:
                job.lease = leases[job.lease.job.id]

        self.run(take_up())

    # What must hold

    @invariant()
    def an_image_differs_from_the_truth_only_where_there_is_a_mark(self) -> None:
        truth = self.truth(None)
        image = self.worker.durable
        marks = self.run(self.library.marks.read(PROJECTION, self.library.here.id, 1000))
        marked = {mark.document for mark in marks}
        for document in truth.keys() | image.keys():
            same = image.get(document, frozenset()) == truth.get(document, frozenset())
            assert same or document in marked

    @invariant()
    def readers_see_exactly_the_live_versions(self) -> None:
        visible: dict[str, list[str]] = {}
        for chunk in self.run(self.library.visible()):
            visible.setdefault(chunk.document_id, []).append(chunk.text)
        assert visible == {name: lines for name, (_, lines) in self.live.items() if lines}

    def lag(self) -> int:
        return self.run(self.library.marks.lag(PROJECTION))

    def truth(self, documents: list[DocumentKey] | None) -> Image:
        async def look() -> Image:
            wanted = documents
            if wanted is None:
                wanted = list({chunk.document for chunk in await self.library.everything()})
            found = await self.library.chunks.of_documents(self.library.here.id, wanted)
            return {
                document: frozenset((chunk.id, chunk.embed_text) for chunk in chunks)
                for document, chunks in found.items()
            }

        return self.run(look())


@pytest.fixture
def machine(sqlite_with_schema: Path) -> type[Machine]:
    return type("Machine", (Machine,), {"schema": sqlite_with_schema})


def play(machine: type[Machine], examples: int, steps: int) -> None:
    state = machine.TestCase
    state.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    state().runTest()


def test_no_update_is_lost(machine: type[Machine]) -> None:
    play(machine, 25, 30)


@pytest.mark.slow
def test_no_update_is_lost_in_long_runs(machine: type[Machine]) -> None:
    play(machine, 600, 40)
