"""From posted documents to hits in every channel, on the real store and the real indexes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from ingesting import House, house

from app.domain.documents import Source
from app.domain.errors import Conflict, NotFound, Rejected, TooLarge, UnsupportedMedia
from app.domain.jobs import Job
from app.ingest.pipeline import PipelineOptions
from app.ingest.worker import WorkerOptions
from app.store.answers import Answers
from retrievers.embedders.hashing import HashingEmbedder
from retrievers.errors import RetrieverUnavailable
from retrievers.protocol import Matrix
from retrievers.types import Query

pytestmark = pytest.mark.anyio
PATIENT = WorkerOptions(patience_s=(0.0, 0.0, 0.0))


class Encoder(HashingEmbedder):
    """Counts what it embeds; breaks over some texts, fails for a while, or waits to be let go."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.down = 0  # calls that fail from now on
        self.gates: dict[str, asyncio.Event] = {}  # word in a text -> what its embedding waits for
        self.waiting = asyncio.Event()

    async def passages(self, texts: Sequence[str]) -> Matrix:
        if self.down:
            self.down -= 1
            raise RetrieverUnavailable("the encoder is away")
        for word, gate in self.gates.items():
            if any(word in text for text in texts):
                self.waiting.set()
                await gate.wait()
        self.seen += texts
        if any("poison" in text for text in texts):
            raise ZeroDivisionError("no such text can be embedded")
        return await super().passages(texts)


@pytest.fixture
async def encoder() -> AsyncIterator[Encoder]:
    made = Encoder()
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def home(tmp_path: Path, encoder: Encoder) -> AsyncIterator[House]:
    async with house(tmp_path, encoder, worker=PATIENT) as opened:
        yield opened


def text(id: str, value: str, title: str = "") -> Source:
    return Source(id, title, "text/plain", value)


def file(name: str, content: bytes, id: str = "", declared: str = "") -> Source:
    return Source(id, name, declared, content=content)


def prose(sentences: int) -> str:
    return " ".join(f"Sentence {n} speaks of {n * n} mills and weirs." for n in range(sentences))


async def ids(home: House, query: str) -> set[str]:
    """Documents that any channel finds."""
    return {id for found in (await home.found(query)).values() for id in found}


async def marks(home: House) -> int:
    return sum([await home.marks.lag(name) for name in home.indexes])


async def test_a_document_whose_job_succeeded_is_found_everywhere(home: House) -> None:
    job = await home.add(
        text("weir", "The Quillonberg weir was built in 1904 by Ada Bell.", "Quillonberg weir"),
        text("mill", "Ada Bell also owned the mill at Sorvik.", "Sorvik mill"),
    )
    assert (job.status, job.done, job.total) == ("succeeded", 2, 2)
    for channel, found in (await home.found("Quillonberg weir")).items():
        assert found[0] == "weir", channel


async def test_a_new_version_replaces_the_old_one_everywhere(home: House) -> None:
    await home.add(text("a", "It speaks of quagga."), text("b", "It speaks of other things."))
    await home.add(text("a", "It speaks of okapi."))
    assert (await home.documents.get(home.here.id, "a")).version == 2
    assert "a" in await ids(home, "okapi")
    await home.indexers.settle(home.here.id)  # what else happens in the background
    assert (await home.found("quagga"))["fulltext"] == []
    assert await home.chunks.count(home.here.id) == 2


async def test_only_what_changed_is_embedded_again(home: House, encoder: Encoder) -> None:
    whole = prose(400)
    await home.add(text("a", whole, "Mills"))
    count = await home.chunks.count(home.here.id)
    assert count > 20
    assert len(encoder.seen) == count
    encoder.seen.clear()
    await home.add(text("a", whole.replace("Sentence 200 ", "Sentence two hundred "), "Mills"))
    assert 1 <= len(encoder.seen) <= 8
    encoder.seen.clear()
    job = await home.add(
        text("a", whole.replace("Sentence 200 ", "Sentence two hundred "), "Mills")
    )
    assert (job.status, job.unchanged, encoder.seen) == ("succeeded", 1, [])


async def test_a_change_of_metadata_embeds_nothing(home: House, encoder: Encoder) -> None:
    await home.add(Source("a", "T", "text/plain", "Some text.", metadata={"year": 1}))
    encoder.seen.clear()
    await home.add(Source("a", "T", "text/plain", "Some text.", metadata={"year": 2}))
    assert encoder.seen == []
    assert (await home.documents.get(home.here.id, "a")).metadata == {"year": 2}


async def test_deleting_hides_at_once_and_leaves_no_mark(home: House) -> None:
    await home.add(text("a", "It speaks of quagga."), text("b", "It speaks of okapi."))
    await home.ingest.delete(home.here.id, "a")
    assert "a" not in await ids(home, "quagga")
    with pytest.raises(NotFound):
        await home.ingest.delete(home.here.id, "a")
    await home.indexers.settle(home.here.id)
    await home.indexers.flush()
    assert await marks(home) == 0


async def test_files_become_documents_named_by_what_they_say(home: House) -> None:
    job = await home.add(
        file("notes.md", b"# Weirs\n\nA weir holds water.\n\n## Fish\n\nFew fish pass.", "md"),
        file("dir\\page.html", b"<title>Mills</title><h1>Wheels</h1><p>They turn.", "html"),
        file("Old locks.txt", "Schleuse für Schiffe".encode("latin-1"), "txt"),
        file("many.json", b'[{"text": "One."}, {"id": "two", "text": "Two.", "title": "T"}]', "js"),
    )
    assert (job.status, job.total) == ("succeeded", 5)
    found = {id: await home.documents.get(home.here.id, id) for id in ("md", "html", "txt")}
    assert [one.title for one in found.values()] == ["Weirs", "Mills", "Old locks"]
    assert found["html"].text == "Wheels\n\nThey turn."
    assert found["html"].metadata == {"filename": "page.html"}
    assert found["txt"].text == "Schleuse für Schiffe"
    assert (await home.documents.get(home.here.id, "js-1")).text == "One."
    assert (await home.documents.get(home.here.id, "two")).title == "T"
    assert await home.chunks.count(home.here.id) == 6


async def test_a_poisonous_document_fails_alone(home: House, encoder: Encoder) -> None:
    job = await home.add(
        *(text(f"d{n}", f"Text {n} about a weir.") for n in range(5)),
        text("bad", "This is poison."),
        file("empty.html", b"<script>x</script>", "void"),
    )
    assert job.status == "failed"
    assert job.error is not None
    assert job.error["code"] == "some-documents-failed"
    problems = {failure["document_id"]: failure["problem"] for failure in job.failures}
    assert {id: problem["code"] for id, problem in problems.items()} == {
        "bad": "internal",
        "void": "empty_document",
    }
    assert "ZeroDivisionError" in problems["bad"]["detail"]
    assert await ids(home, "weir") == {f"d{n}" for n in range(5)}
    assert sum("poison" in seen for seen in encoder.seen) == 4  # with the others, and three times
    with pytest.raises(NotFound):
        await home.documents.get(home.here.id, "bad")


async def test_trouble_that_passes_fails_no_document(home: House, encoder: Encoder) -> None:
    encoder.down = 3
    job = await home.add(text("a", "One text."), text("b", "Another text."))
    assert (job.status, job.failures) == ("succeeded", ())


async def test_trouble_that_stays_ends_the_job_with_its_reason(
    home: House, encoder: Encoder
) -> None:
    encoder.down = 10**6
    job = await home.add(text("a", "One text."))
    assert job.status == "failed"
    assert job.error is not None
    assert job.error["detail"] == "the encoder is away"
    encoder.down = 0
    assert (await home.add(text("a", "One text."))).status == "succeeded"


async def test_a_small_job_does_not_wait_for_a_large_one(home: House, encoder: Encoder) -> None:
    gate = encoder.gates["slow"] = asyncio.Event()
    slow = await home.ingest.accept(home.here, [text("slow", "A slow text.")])
    await encoder.waiting.wait()
    assert (await home.add(text("quick", "A quick text."))).status == "succeeded"
    assert (await home.ingest.wait(slow.id, 0)).status == "running"
    gate.set()
    assert (await home.ingest.wait(slow.id, 30)).status == "succeeded"


async def test_cancelling_keeps_the_former_version(home: House, encoder: Encoder) -> None:
    await home.add(text("a", "It speaks of quagga."))
    encoder.gates["slow"] = asyncio.Event()
    job = await home.ingest.accept(home.here, [text("a", "A slow text."), text("b", "And b.")])
    await encoder.waiting.wait()
    asked = await home.ingest.cancel(job.id)
    assert asked.cancel_requested
    assert (await home.ingest.wait(job.id, 5)).status == "cancelled"
    assert (await home.documents.get(home.here.id, "a")).text == "It speaks of quagga."
    await home.indexers.settle(home.here.id)
    assert await ids(home, "quagga") == {"a"}
    assert await ids(home, "slow") <= {"a"}
    assert (await home.ingest.cancel(job.id)).status == "cancelled"


async def test_stopping_hands_unfinished_jobs_to_the_next_start(
    tmp_path: Path, encoder: Encoder
) -> None:
    one_by_one = PipelineOptions(documents=1, chunks=1)
    sources = [text(f"d{n}", f"Text {n} of a weir.") for n in range(20)]
    async with house(tmp_path, encoder, one_by_one) as home:
        gate = encoder.gates["Text 9 "] = asyncio.Event()
        job = await home.ingest.accept(home.here, sources)
        await encoder.waiting.wait()
        asyncio.get_running_loop().call_later(0.05, gate.set)
        await home.worker.close()
        left = await home.jobs.get(job.id)
        assert left.status == "queued"
        assert 9 <= left.done < 20
    async with house(tmp_path, encoder) as home:
        ended = await home.ingest.wait(job.id, 30)
        assert (ended.status, ended.done, ended.failures) == ("succeeded", 20, ())
        assert await home.chunks.count(home.here.id) == 20
    assert len(encoder.seen) == 20


async def test_a_worker_that_cannot_finish_in_time_gives_its_documents_back(
    tmp_path: Path, encoder: Encoder
) -> None:
    async with house(tmp_path, encoder) as home:
        encoder.gates["slow"] = asyncio.Event()
        job = await home.ingest.accept(home.here, [text("a", "A slow text.")])
        for _ in range(5):  # more often than a document may take its worker down
            await encoder.waiting.wait()
            await home.worker.close(grace_s=0)
            assert (await home.jobs.get(job.id)).status == "queued"
            encoder.waiting.clear()
            home.worker = type(home.worker)(
                home.jobs, home.collections, home.tools, home.ingest._bells
            )
            await home.worker.start()
        encoder.gates.clear()
        await home.worker.close(grace_s=0)
    async with house(tmp_path, encoder) as home:
        assert (await home.ingest.wait(job.id, 30)).status == "succeeded"


async def test_a_worker_whose_job_was_taken_over_writes_nothing_more(
    home: House, encoder: Encoder
) -> None:
    gate = encoder.gates["slow"] = asyncio.Event()
    job = await home.ingest.accept(home.here, [text("a", "A slow text.")])
    await encoder.waiting.wait()
    await home.jobs.reclaim()  # as if its lease had run out
    heir = await home.jobs.lease("heir", 60)
    assert heir is not None
    home.worker.nudge(job.id)
    await home.worker.close()  # it lets go of the job by itself
    gate.set()
    assert (await home.jobs.get(job.id)).status == "running"
    with pytest.raises(NotFound):
        await home.documents.get(home.here.id, "a")
    await home.jobs.release(heir)


async def test_a_large_job_shows_how_far_it_is(tmp_path: Path, encoder: Encoder) -> None:
    async with house(tmp_path, encoder, PipelineOptions(documents=2, chunks=2)) as home:
        gate = encoder.gates["Text 4 "] = asyncio.Event()
        job = await home.ingest.accept(
            home.here, [text(f"d{n}", f"Text {n} of a weir.") for n in range(6)]
        )
        await encoder.waiting.wait()
        shown = await home.ingest.wait(job.id, 0)
        assert (shown.status, shown.total) == ("running", 6)
        assert shown.stage in ("parse", "embed")
        gate.set()
        ended = await home.ingest.wait(job.id, 30)
        assert (ended.stage, ended.done) == ("done", 6)


async def test_indexes_that_are_gone_or_damaged_are_built_anew(
    tmp_path: Path, encoder: Encoder
) -> None:
    async with house(tmp_path, encoder) as home:
        await home.add(text("a", "It speaks of quagga.", "Quagga"))
        collection = home.here.id
    for path in (tmp_path / "indexes" / str(collection)).rglob("*"):
        if path.is_file() and path.suffix != ".lock":
            path.write_bytes(b"damaged" + path.read_bytes()[7:])
    encoder.seen.clear()
    async with house(tmp_path, encoder) as home:
        await home.indexers.rebuilt()
        assert {name: found[:1] for name, found in (await home.found("quagga")).items()} == {
            "vector": ["a"],
            "fulltext": ["a"],
            "graph": ["a"],
        }
    assert encoder.seen == []  # the vectors are in the database


async def test_what_was_applied_is_made_durable_when_idle(home: House) -> None:
    await home.add(text("a", "It speaks of quagga."))
    assert await marks(home) > 0
    await home.indexers.flush()
    assert await marks(home) == 0


async def test_waiting_ends_with_the_time_that_was_given(home: House, encoder: Encoder) -> None:
    encoder.gates["slow"] = asyncio.Event()
    job = await home.ingest.accept(home.here, [text("a", "A slow text.")])
    assert (await home.ingest.wait(job.id, 0)).status in ("queued", "running")
    assert (await home.ingest.wait(job.id, 0.02)).status in ("queued", "running")
    with pytest.raises(NotFound):
        await home.ingest.wait("job_unknown", 1)
    encoder.gates["slow"].set()


async def test_a_collection_is_bound_to_its_encoder(tmp_path: Path, encoder: Encoder) -> None:
    async with house(tmp_path, encoder) as home:
        await home.add(text("a", "One text."))
    encoder.fingerprint = "another"
    async with house(tmp_path, encoder) as home:
        with pytest.raises(Conflict) as refused:
            await home.add(text("b", "Another text."))
        assert refused.value.code == "embedding-model-mismatch"


async def test_a_deleted_collection_leaves_nothing(home: House, tmp_path: Path) -> None:
    made = await home.collections.create("extra")
    job = await home.ingest.accept(made, [text("a", "It speaks of quagga.")])
    await home.ingest.wait(job.id, 30)
    await home.ingest.delete_collection("extra")
    await home.upkeep.run()
    index = tmp_path / "indexes" / str(made.id)
    assert not index.exists()
    assert await home.collections.deleted() == []
    with pytest.raises(NotFound):
        await home.jobs.get(job.id)
    await home.indexers.settle(made.id)  # a late call brings nothing back
    assert not index.exists()


@pytest.mark.parametrize(
    ("sources", "at"),
    [
        ([], "/body/documents"),
        ([text("a", "x"), text("a", "y")], "/body/documents"),
        ([text("a", "x"), text("b", " \n")], "/body/documents/1/text"),
        ([text("a", "x\0")], "/body/documents/0/text"),
        ([text("a", "x\ud800")], "/body/documents/0/text"),
        ([text("a\n", "x")], "/body/documents/0/id"),
        ([text("a" * 257, "x")], "/body/documents/0/id"),
        ([text("a", "x", "t\0")], "/body/documents/0/title"),
        ([Source("a", "", "", "x", metadata={"$id": 1})], "/body/documents/0/metadata"),
        ([Source("a", "", "", "x", metadata={"k": {"x": 1}})], "/body/documents/0/metadata"),
        ([Source("a", "", "", "x", metadata={"k": [1]})], "/body/documents/0/metadata"),
        ([Source("a", "", "", "x", metadata={"k": "\0"})], "/body/documents/0/metadata"),
        ([file("a.txt", b" ")], "/body/file/0"),
    ],
)
async def test_what_cannot_be_stored_is_refused_as_a_whole(
    home: House, sources: list[Source], at: str
) -> None:
    with pytest.raises(Rejected) as refused:
        await home.ingest.accept(home.here, sources)
    assert refused.value.at == at
    assert (await home.documents.stats(home.here.id)).documents == 0
    assert (await home.jobs.active(home.here.id)).jobs == 0


async def test_files_of_other_types_and_too_long_titles_are_not_taken(home: House) -> None:
    with pytest.raises(UnsupportedMedia):
        await home.ingest.accept(home.here, [file("a.pdf", b"%PDF-1.7")])
    with pytest.raises(TooLarge):
        await home.ingest.accept(home.here, [text("a", "x", "t" * 1001)])
    with pytest.raises(Rejected):
        await home.ingest.accept(home.here, [file("a.json", b"{")])


async def test_an_id_is_made_up_where_none_is_given(home: House) -> None:
    job: Job = await home.add(text("", "One text."), text("", "One text."))
    assert (job.status, job.total) == ("succeeded", 2)
    found = (await home.found("text"))["fulltext"]
    assert len(set(found)) == 2
    assert all(id.startswith("doc_") for id in found)


async def test_vectors_are_those_of_the_encoder(home: House, encoder: Encoder) -> None:
    await home.add(text("a", "A text.", "Title"))
    (hit,) = await home.indexes["vector"].search(Query(home.here.id, "A text."), 1)
    stored = await home.indexes["vector"].vectors(home.here.id, [hit.origin.id])
    wanted = await HashingEmbedder.passages(encoder, ["Title\nA text."])
    assert np.allclose(stored, wanted)


async def test_answers_are_forgotten_when_their_time_is_over(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        now = datetime.now(UTC)
        for id, age in (("ans_old", timedelta(days=31)), ("ans_new", timedelta(days=29))):
            answers = Answers(home.database, lambda age=age: now - age)
            await answers.save(id, home.here.id, {}, {})
        await home.upkeep.run()
        kept = Answers(home.database)
        assert (await kept.get("ans_new")).id == "ans_new"
        with pytest.raises(NotFound):
            await kept.get("ans_old")
