"""`POST …/files`: files as multipart form data."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.api.deps import CollectionDep, EdgeDep, SecuredRoute
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.limits import ApiLimits
from app.api.problems import pointer
from app.api.schemas import JobAcceptedOut
from app.api.v1.jobs import Wait, accepted, ended
from app.domain.documents import Source
from app.domain.errors import Rejected, TooLarge, UnsupportedMedia
from app.domain.ids import new_id

router = APIRouter(tags=["documents"], route_class=SecuredRoute)
FIELD = "file"
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
        }
    },
}


def _operation() -> dict[str, object]:
    made = operation(
        "addFiles",
        "Add files",
        "write",
        answer={"job": examples.JOB},
        problems=["not-found", "too-large", "unsupported-media-type", "invalid-request"],
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
    **_operation(),  # type: ignore[arg-type]
)
async def add(
    request: Request, collection: CollectionDep, here: EdgeDep, wait: Wait = 0
) -> Response:
    """Each file becomes a document; a file name is its title, never its place on disk."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise UnsupportedMedia("send multipart/form-data with the field `file`, once per file")
    try:
        form = await request.form(max_files=here.limits.files, max_fields=8)
    except HTTPException as error:
        if error.status_code == 400 and "Too many files" in str(error.detail):
            raise TooLarge(
                f"a request may hold {here.limits.files} files (ANABRANCH_LIMITS__FILES)"
            ) from error
        raise
    try:
        uploads = _uploads(form)
        sources = [await _source(each, here.limits, at) for at, each in enumerate(uploads)]
    finally:
        await form.close()
    job = await here.services.ingest.accept(collection, sources)
    return accepted(await ended(here, job, wait))


def _uploads(form: FormData) -> list[UploadFile]:
    uploads: list[UploadFile] = []
    for name, value in form.multi_items():
        if name != FIELD:
            raise Rejected("this field is not known here; send `file`", at=pointer("body", name))
        if not isinstance(value, UploadFile):
            raise Rejected("this part is no file: it has no file name", at=pointer("body", name))
        uploads.append(value)
    if not uploads:
        raise Rejected("the field `file` is required", at=f"/body/{FIELD}")
    return uploads


async def _source(upload: UploadFile, limits: ApiLimits, index: int) -> Source:
    if (upload.size or 0) > limits.file_bytes:
        raise TooLarge(
            f"/body/{FIELD}/{index}: a file may have {limits.file_bytes} bytes "
            "(ANABRANCH_LIMITS__FILE_BYTES)"
        )
    return Source(
        id=new_id("doc"),
        title=upload.filename or "",
        media_type=upload.content_type or "application/octet-stream",
        content=await upload.read(),
    )
