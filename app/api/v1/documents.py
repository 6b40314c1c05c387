"""Documents: posted as JSON, read back with their stored text, deleted everywhere at once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.api import render
from app.api.deps import CollectionDep, DocumentsRoute, EdgeDep, PrincipalDep, ServicesDep
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.limits import ApiLimits
from app.api.paths import segment
from app.api.schemas import Body, DocumentId, JobAcceptedOut, Metadata, Spoken, Text, metadata_size
from app.api.v1.jobs import Wait, accepted, ended
from app.api.v1.paging import After, Limit, page, place_of
from app.domain.documents import Source
from app.domain.errors import NotFound, TooLarge
from app.domain.ids import new_id

router = APIRouter(prefix="/v1", tags=["documents"], route_class=DocumentsRoute)
IdInPath = Annotated[
    str,
    Path(
        description="Id of a document, percent-encoded (a slash is `%2F`).",
        min_length=1,
        examples=["visitor-note"],
    ),
]


class DocumentIn(Body):
    """One document. Its stored text is exactly `text`: offsets of citations refer to it."""

    id: DocumentId | None = None
    title: Annotated[Text, Field(max_length=1_000)] | None = None
    text: Spoken
    metadata: Metadata = Field(default_factory=dict)


class DocumentsIn(Body):
    """Documents to add; an id that exists is replaced by a new version."""

    documents: Annotated[list[DocumentIn], Field(min_length=1, max_length=1_000)]


class DocumentOut(BaseModel):
    """The live version of a document."""

    id: str
    collection: str
    title: str
    text: str
    media_type: str
    version: int
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@router.post(
    "/collections/{collection}/documents",
    response_model=JobAcceptedOut,
    **operation(
        "addDocuments",
        "Add or replace documents",
        "write",
        request=examples.DOCUMENTS,
        answer={"job": examples.JOB},
        problems=[
            "not-found",
            "embedding-model-mismatch",
            "too-large",
            "invalid-request",
            "read-only-disk",
            "storage-unavailable",
        ],
        status=202,
    ),
)
async def add(
    body: DocumentsIn, collection: CollectionDep, here: EdgeDep, wait: Wait = 0
) -> Response:
    """Stored durably at the 202; searchable in every retriever when the job has succeeded."""
    here.disk.room()
    sources = [
        _source(posted, here.limits, f"/body/documents/{index}")
        for index, posted in enumerate(body.documents)
    ]
    job = await here.services.ingest.accept(collection, sources)
    return accepted(await ended(here, job, wait))


@router.get(
    "/collections/{collection}/documents/{document_id}",
    response_model=DocumentOut,
    **operation(
        "getDocument",
        "One document with its stored text",
        "read",
        answer=examples.DOCUMENT,
        problems=["not-found"],
    ),
)
async def get(document_id: IdInPath, collection: CollectionDep, services: ServicesDep) -> Response:
    """The live version; while a newer one is being indexed, the old one."""
    found = await services.documents.get(collection.id, _id(document_id))
    headers = {"ETag": f'"{found.version}"'}
    return render.reply(render.document(found, collection.name), headers=headers)


class ListedOut(BaseModel):
    """A live document without its text."""

    id: str
    title: str
    media_type: str
    version: int
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class DocumentsOut(BaseModel):
    """Live documents, oldest first."""

    data: list[ListedOut]
    has_more: bool
    next_cursor: str | None


@router.get(
    "/collections/{collection}/documents",
    response_model=DocumentsOut,
    **operation(
        "listDocuments",
        "List the documents of a collection",
        "read",
        answer={"data": [examples.LISTED], "has_more": False, "next_cursor": None},
        problems=["not-found", "invalid-request"],
    ),
)
async def list_all(
    collection: CollectionDep,
    principal: PrincipalDep,
    services: ServicesDep,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """Oldest first, without their texts; a document added while paging comes at the end."""
    where = f"documents {collection.id} {principal.key_id}"
    found = await services.documents.page(collection.id, limit + 1, place_of(where, after))
    return render.reply(
        page(found, limit, where, lambda each: (each.created_at, each.id), render.listed)
    )


class ContentOut(BaseModel):
    """`text == stored_text[start:end]`, in code points."""

    text: str
    start: int
    end: int


@router.get(
    "/collections/{collection}/documents/{document_id}/content",
    response_model=ContentOut,
    **operation(
        "getDocumentContent",
        "A slice of the stored text",
        "read",
        answer={"text": "Isaura Venn", "start": 0, "end": 11},
        problems=["not-found", "invalid-request"],
    ),
)
async def content(
    document_id: IdInPath,
    collection: CollectionDep,
    services: ServicesDep,
    start: Annotated[int, Query(ge=0, le=2**31)] = 0,
    end: Annotated[int, Query(ge=0, le=2**31)] = 2**31,
) -> Response:
    """Lets a client check a citation itself; a slice beyond the text is cut short."""
    text = await services.documents.slice(collection.id, _id(document_id), start, max(start, end))
    return render.reply({"text": text, "start": start, "end": start + len(text)})


@router.delete(
    "/collections/{collection}/documents/{document_id}",
    **operation(
        "deleteDocument",
        "Delete a document",
        "write",
        answer=None,
        problems=["not-found", "storage-unavailable"],
        status=204,
    ),
)
async def delete(
    document_id: IdInPath, collection: CollectionDep, services: ServicesDep
) -> Response:
    """Gone from every retriever when this returns; its rows are removed in the background."""
    await services.ingest.delete(collection.id, _id(document_id))
    return Response(status_code=204)


def _id(document_id: str) -> str:
    found = segment(document_id)
    if "\x00" in found or len(found) > 256:
        raise NotFound("no document can have this id")
    return found


def _source(posted: DocumentIn, limits: ApiLimits, at: str) -> Source:
    # Characters first: encoding two megabytes only to count them is for the rare long text.
    if len(posted.text) * 4 > limits.text_bytes and len(posted.text.encode()) > limits.text_bytes:
        raise TooLarge(
            f"{at}/text: a text may have {limits.text_bytes} bytes "
            "(ANABRANCH_LIMITS__TEXT_BYTES); upload it as a file instead"
        )
    if posted.metadata and metadata_size(posted.metadata) > limits.metadata_bytes:
        raise TooLarge(
            f"{at}/metadata: metadata may have {limits.metadata_bytes} bytes "
            "(ANABRANCH_LIMITS__METADATA_BYTES)"
        )
    return Source(
        id=posted.id if posted.id is not None else new_id("doc"),
        title=posted.title or "",
        media_type="text/plain",
        text=posted.text,
        metadata=posted.metadata,
    )
