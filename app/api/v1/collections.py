"""Collections: named sets of documents, the unit of tenancy."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.api import render
from app.api.deps import CollectionDep, PrincipalDep, SecuredRoute, ServicesDep
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.schemas import Body, Text
from app.domain.errors import Forbidden

router = APIRouter(prefix="/v1", tags=["collections"], route_class=SecuredRoute)


class CollectionIn(Body):
    """A new collection."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    description: Annotated[Text, Field(max_length=2_000)] = ""


class CollectionOut(BaseModel):
    """A collection; `embedding_model` is bound by its first document."""

    name: str
    description: str
    language: str
    embedding_model: str | None
    created_at: datetime


class CollectionsOut(BaseModel):
    """The collections this key may see, by name."""

    data: list[CollectionOut]
    has_more: bool
    next_cursor: str | None


class StatsOut(BaseModel):
    """Size of the live content."""

    documents: int
    chunks: int
    characters: int
    unfinished_jobs: int
    unfinished_documents: int


@router.post(
    "/collections",
    response_model=CollectionOut,
    **operation(
        "createCollection",
        "Create a collection",
        "admin",
        request={"name": "wiki"},
        answer=examples.COLLECTION,
        problems=["already-exists", "invalid-request"],
        status=201,
    ),
)
async def create(body: CollectionIn, principal: PrincipalDep, services: ServicesDep) -> Response:
    """An empty collection of this name, which the key must be able to see."""
    if not principal.sees(body.name):
        raise Forbidden("this key is for other collections only, so it could not see this one")
    made = await services.collections.create(body.name, body.description)
    return render.reply(render.collection(made), 201, {"Location": f"/v1/collections/{made.name}"})


@router.get(
    "/collections",
    response_model=CollectionsOut,
    **operation(
        "listCollections",
        "List the collections this key may see",
        "read",
        answer={"data": [examples.COLLECTION], "has_more": False, "next_cursor": None},
        problems=[],
    ),
)
async def list_all(principal: PrincipalDep, services: ServicesDep) -> Response:
    """All at once: a service holds tens of collections, not thousands."""
    seen = [each for each in await services.collections.all() if principal.sees(each.name)]
    return render.reply(
        {
            "data": [render.collection(each) for each in seen],
            "has_more": False,
            "next_cursor": None,
        }
    )


@router.get(
    "/collections/{collection}",
    response_model=CollectionOut,
    **operation(
        "getCollection",
        "One collection",
        "read",
        answer=examples.COLLECTION,
        problems=["not-found"],
    ),
)
async def get(collection: CollectionDep) -> Response:
    """The collection of this name."""
    return render.reply(render.collection(collection))


@router.get(
    "/collections/{collection}/stats",
    response_model=StatsOut,
    **operation(
        "getCollectionStats",
        "Size of a collection",
        "read",
        answer={
            "documents": 10,
            "chunks": 42,
            "characters": 21_000,
            "unfinished_jobs": 0,
            "unfinished_documents": 0,
        },
        problems=["not-found"],
    ),
)
async def stats(collection: CollectionDep, services: ServicesDep) -> Response:
    """Live documents and chunks, and what is still being worked on."""
    size = await services.documents.stats(collection.id)
    backlog = await services.jobs.active(collection.id)
    return render.reply(
        {
            "documents": size.documents,
            "chunks": size.chunks,
            "characters": size.characters,
            "unfinished_jobs": backlog.jobs,
            "unfinished_documents": backlog.documents,
        }
    )


@router.delete(
    "/collections/{collection}",
    **operation(
        "deleteCollection",
        "Delete a collection",
        "admin",
        answer=None,
        problems=["not-found", "conflict"],
        status=204,
    ),
)
async def delete(collection: CollectionDep, services: ServicesDep) -> Response:
    """It and all it holds are hidden at once; their files are removed in the background.

    `default` cannot be deleted.
    """
    await services.ingest.delete_collection(collection.name)
    return Response(status_code=204)
