"""`POST …/files`: files as multipart form data."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.api.deps import CollectionDep, Edge, EdgeDep, UploadRoute
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.limits import ApiLimits
from app.api.problems import pointer
from app.api.schemas import PLAIN_ID, DocumentId, JobAcceptedOut
from app.api.v1.jobs import Wait, accepted, ended
from app.domain.documents import Collection, Source
from app.domain.errors import Rejected, TooLarge, UnsupportedMedia
from app.domain.ids import new_id
from app.domain.jobs import Job

router = APIRouter(prefix="/v1", tags=["documents"], route_class=UploadRoute)
FIELD, IDS = "file", "id"
_DOCUMENT_ID: TypeAdapter[str] = TypeAdapter(DocumentId)
_SCHEMA = {
    "type": "object",
    "required": [FIELD],
    "additionalProperties": False,
    "properties": {
        FIELD: {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "format": "binary"},
            "description": "One or more files; their types are found by content.",
        },
        IDS: {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": 256, "pattern": PLAIN_ID},
            "description": (
                "Ids of the documents, one per file in the same order, or none at all. "
                "An id that exists is replaced by a new version."
            ),
        },
    },
}


def _operation() -> dict[str, object]:
    made = operation(
        "addFiles",
        "Add files",
        "write",
        answer={"job": examples.JOB},
        problems=[
            "not-found",
            "too-large",
            "unsupported-media-type",
            "invalid-request",
            "overloaded",
            "read-only-disk",
        ],
        status=202,
    )
    content = {"schema": _SCHEMA, "examples": {"example": {"value": {FIELD: ["(a text file)"]}}}}
    made["openapi_extra"]["requestBody"] = {
        "required": True,
        "content": {"multipart/form-data": content},
    }
    return made


@router.post(
    "/collections/{collection}/files",
    response_model=JobAcceptedOut,
    **_operation(),  # type: ignore[arg-type]  # named arguments in a mapping
)
async def add(
    request: Request, collection: CollectionDep, here: EdgeDep, wait: Wait = 0
) -> Response:
    """Each file becomes a document; its name is kept as metadata `filename`, never as a path.

    A JSON file may hold several documents, as `{"documents": [...]}` does.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise UnsupportedMedia("send multipart/form-data with the field `file`, once per file")
    here.disk.room()
    try:
        form = await request.form(max_files=here.limits.files, max_fields=here.limits.files)
    except HTTPException as error:
        if error.status_code == 400 and "Too many files" in str(error.detail):
            raise TooLarge(
                f"a request may hold {here.limits.files} files (ANABRANCH_LIMITS__FILES)"
            ) from error
        raise
    try:
        uploads, ids = _parts(form)
        async with here.uploads.turn():
            job = await _accept(here, collection, uploads, ids)
    finally:
        await form.close()
    return accepted(await ended(here, job, wait))


async def _accept(
    here: Edge, collection: Collection, uploads: list[UploadFile], ids: list[str]
) -> Job:
    """Apart, so that nothing holds the files while the job is waited for."""
    sources = [
        await _source(upload, document_id, here.limits, index)
        for index, (upload, document_id) in enumerate(zip(uploads, ids, strict=True))
    ]
    return await here.services.ingest.accept(collection, sources)


def _parts(form: FormData) -> tuple[list[UploadFile], list[str]]:
    uploads: list[UploadFile] = []
    ids: list[str] = []
    for name, value in form.multi_items():
        if name == IDS and isinstance(value, str):
            ids.append(_document_id(value, pointer("body", IDS, len(ids))))
            continue
        if name != FIELD:
            raise Rejected("this field is not known here; send `file`", at=pointer("body", name))
        if not isinstance(value, UploadFile):
            raise Rejected("this part is no file: it has no file name", at=pointer("body", name))
        uploads.append(value)
    if not uploads:
        raise Rejected("the field `file` is required", at=pointer("body", FIELD))
    if ids and len(ids) != len(uploads):
        raise Rejected(
            f"{len(ids)} ids for {len(uploads)} files; send one per file, or none",
            at=pointer("body", IDS),
        )
    return uploads, ids or [new_id("doc") for _ in uploads]


def _document_id(value: str, at: str) -> str:
    try:
        return _DOCUMENT_ID.validate_python(value)
    except ValidationError as error:
        raise Rejected(error.errors()[0]["msg"].removeprefix("Value error, "), at=at) from error


async def _source(upload: UploadFile, document_id: str, limits: ApiLimits, index: int) -> Source:
    if (upload.size or 0) > limits.file_bytes:
        raise TooLarge(
            f"/body/{FIELD}/{index}: a file may have {limits.file_bytes} bytes "
            "(ANABRANCH_LIMITS__FILE_BYTES)"
        )
    return Source(
        id=document_id,
        title=upload.filename or "",
        media_type=upload.content_type or "application/octet-stream",
        content=await upload.read(),
    )
