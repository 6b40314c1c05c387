"""The way in: what is handed over is judged, stored durably and queued before this returns."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.documents import Collection, Source
from app.domain.errors import Rejected, TooLarge
from app.domain.ids import new_id
from app.domain.jobs import TERMINAL, Job
from app.ingest.bells import Bells
from app.ingest.indexers import Indexers
from app.ingest.parse.decode import refuse_unencodable, refuse_unstorable
from app.ingest.parse.sandbox import Sandbox
from app.ingest.parse.sniff import JSON, media_type
from app.ingest.parse.titles import FILE_NAME
from app.ingest.upkeep import Upkeep
from app.ingest.worker import Worker
from app.store.collections import Collections
from app.store.documents import Documents
from app.store.jobs import Jobs
from retrievers.filters import MetadataValue
from retrievers.types import CollectionId

_LONGEST_ID, _LONGEST_NAME = 256, 255
_STAND_IN = "\ufdd0"  # for a slash in paths


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """Bounds of one request."""

    documents: int = 10_000  # a JSON file may hold more than a JSON body
    title: int = 1_000  # characters
    file_bytes: int = 100 * 2**20
    metadata_bytes: int = 64 * 2**10  # of one document, as JSON


class Ingest:
    """Takes documents in and lets them go.

    Args:
        fingerprint: Of the encoder; a collection is bound to the one of its first document.
    """

    def __init__(
        self,
        collections: Collections,
        documents: Documents,
        jobs: Jobs,
        fingerprint: str,
        sandbox: Sandbox,
        indexers: Indexers,
        worker: Worker,
        upkeep: Upkeep,
        bells: Bells,
        limits: IngestLimits | None = None,
    ) -> None:
        self._collections, self._documents, self._jobs = collections, documents, jobs
        self._fingerprint, self._sandbox = fingerprint, sandbox
        self._indexers, self._worker, self._upkeep = indexers, worker, upkeep
        self._bells, self._limits = bells, limits or IngestLimits()

    async def accept(self, collection: Collection, sources: Sequence[Source]) -> Job:
        """Store the documents and queue their indexing; both survive a power cut on return.

        A source with `content` is an upload: its `title` is the file's name and its `media_type`
        what the sender calls it. A JSON file may hold several documents. An id that exists is
        replaced by a new version; an empty one is made up.

        Raises:
            Rejected: A document is empty or cannot be stored, or an id occurs twice.
            UnsupportedMedia: No parser takes a file.
            TooLarge: Too many documents.
            Conflict: `embedding-model-mismatch`: the collection's vectors are another encoder's.
            StorageUnavailable: Nothing was stored.
        """
        judged: list[Source] = []
        for number, source in enumerate(sources):
            if source.content is None:
                judged.append(self._judged(source, f"/body/documents/{number}"))
            else:
                at = f"/body/file/{number}"
                judged += [self._judged(one, at) for one in await self._unpacked(source)]
        if not judged:
            raise Rejected("there is no document", at="/body/documents")
        if len(judged) > self._limits.documents:
            raise TooLarge(f"{len(judged)} documents; {self._limits.documents} at a time are taken")
        _refuse_twins(judged)
        if collection.embedder != self._fingerprint:
            await self._collections.bind_embedder(collection.id, self._fingerprint)
        job = await self._documents.accept(collection.id, judged)
        if job.status not in TERMINAL:
            self._bells.expect(job)
            self._worker.wake()
        return job

    async def wait(self, job_id: str, seconds: float) -> Job:
        """The job as soon as it has ended, or as it stands after so many seconds.

        Raises:
            NotFound: Unknown, or of a deleted collection.
        """
        return await self._bells.wait(job_id, seconds)

    async def cancel(self, job_id: str) -> Job:
        """Drop what is not yet published; idempotent.

        Raises:
            NotFound: Unknown, or of a deleted collection.
        """
        job = await self._jobs.cancel(job_id)
        self._worker.nudge(job_id)
        self._worker.wake()
        return job

    async def delete(self, collection: CollectionId, document_id: str) -> None:
        """Gone from every answer on return, and from every index soon after.

        Raises:
            NotFound: Unknown or deleted.
        """
        key = await self._documents.delete(collection, document_id)
        self._indexers.changed(collection, [key])

    async def delete_collection(self, name: str) -> None:
        """Hidden with all it holds on return; rows and indexes go in the background.

        Raises:
            NotFound: Unknown or deleted.
            Conflict: `default` cannot be deleted.
        """
        await self._collections.delete(name)
        self._upkeep.wake()

    async def _unpacked(self, upload: Source) -> list[Source]:
        """The document or documents of a file, with the type that its content confirms."""
        content = upload.content or b""
        if len(content) > self._limits.file_bytes:
            raise TooLarge(f"a file may have {self._limits.file_bytes} bytes")
        name = upload.title.replace("\\", "/").rpartition("/")[2][:_LONGEST_NAME]
        metadata = {**upload.metadata, FILE_NAME: name} if name else upload.metadata
        found = media_type(upload.title, upload.media_type, content)
        file = replace(upload, title="", media_type=found, metadata=metadata)
        if found != JSON:
            return [file]
        documents = await self._sandbox.documents(file)
        if len(documents) == 1:
            return [replace(documents[0], id=documents[0].id or upload.id)]
        # Derived, so that the same file sent again under its id replaces the same documents.
        return [
            replace(one, id=one.id or (f"{upload.id}-{number}" if upload.id else ""))
            for number, one in enumerate(documents, 1)
        ]

    def _judged(self, source: Source, at: str) -> Source:
        document_id = source.id or new_id("doc")
        _judge_id(document_id, f"{at}/id")
        title = source.title if source.title.strip() else ""
        if len(title) > self._limits.title:
            raise TooLarge(f"{at}/title: a title may have {self._limits.title} characters")
        refuse_unencodable(title, f"{at}/title")
        _judge_metadata(source.metadata, f"{at}/metadata", self._limits.metadata_bytes)
        if source.content is None:
            refuse_unstorable(source.text, f"{at}/text")
        elif not source.content.strip():
            raise Rejected("the file is empty", "empty_document", at)
        return replace(source, id=document_id, title=title)


def _refuse_twins(sources: Sequence[Source]) -> None:
    seen: set[str] = set()
    for source in sources:
        if source.id in seen:
            raise Rejected(
                f"the id {source.id!r} occurs twice in one request", at="/body/documents"
            )
        seen.add(source.id)


def _judge_id(document_id: str, at: str) -> None:
    if len(document_id) > _LONGEST_ID or any(_is_control(c) for c in document_id):
        raise Rejected(
            f"an id has 1 to {_LONGEST_ID} characters, none of them a control character", at=at
        )
    if document_id in (".", "..") or _STAND_IN in document_id:
        raise Rejected("an id stands in a path, where this one cannot be written", at=at)


def _judge_metadata(metadata: Mapping[str, MetadataValue], at: str, most: int) -> None:
    for key, value in metadata.items():
        refuse_unencodable(key, at)
        if not key or key.startswith("$") or len(key) > 64:
            raise Rejected("a metadata key has 1 to 64 characters and no leading `$`", at=at)
        if isinstance(value, str):
            refuse_unencodable(value, at)
        elif isinstance(value, int | float):
            if not abs(value) < 2**63:  # NaN too
                raise Rejected(f"the number {key!r} is not finite or beyond 64 bits", at=at)
        elif not isinstance(value, list | tuple):
            raise Rejected(f"the value of {key!r} is no string, number, boolean or list", at=at)
        elif not all(isinstance(item, str) for item in value):
            raise Rejected(f"the list {key!r} holds something else than strings", at=at)
        else:
            refuse_unencodable(" ".join(value), at)
    if metadata and len(json.dumps(dict(metadata), ensure_ascii=False).encode()) > most:
        raise TooLarge(f"{at}: metadata may have {most} bytes (ANABRANCH_LIMITS__METADATA_BYTES)")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs")
