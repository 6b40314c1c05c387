"""SQL sources: databases of the user, opened read-only, that questions may be put to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.api import render
from app.api.deps import CollectionDep, SecuredRoute, ServicesDep
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.schemas import Body, Text
from app.domain.errors import Rejected
from app.store.sources import SqlSource
from retrievers.errors import QueryRefused, RetrieverUnavailable
from retrievers.sql.tables import SourceSpec

router = APIRouter(prefix="/v1", tags=["sql sources"], route_class=SecuredRoute)
SourceName = Annotated[str, Path(description="Name of an SQL source.", examples=["shop"])]


class SourceIn(Body):
    """A database to open read-only; `tables` is the allow-list (default: all of them)."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    url: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=2_000,
            pattern=r"^[a-z][a-z0-9+]*://",
            description="`sqlite:///path`, `postgresql://user:password@host/name` or `mysql://…`.",
        ),
    ]
    tables: (
        Annotated[
            list[Annotated[Text, Field(min_length=1, max_length=256)]],
            Field(min_length=1, max_length=1_000),
        ]
        | None
    ) = None


class SourceOut(BaseModel):
    """A source; the password in its URL is masked."""

    name: str
    url: str
    tables: list[str] | None
    created_at: datetime


class SourcesOut(BaseModel):
    """The sources of the collection, by name."""

    data: list[SourceOut]
    has_more: bool
    next_cursor: str | None


def _json(source: SqlSource) -> dict[str, Any]:
    return {
        "name": source.name,
        "url": source.masked_url,
        "tables": source.tables,
        "created_at": render.instant(source.created_at),
    }


@router.post(
    "/collections/{collection}/sql-sources",
    response_model=SourceOut,
    **operation(
        "addSqlSource",
        "Register an SQL source",
        "admin",
        request={"name": "shop", "url": "sqlite:////srv/shop.db", "tables": ["orders"]},
        answer=examples.SOURCE,
        problems=[
            "not-found",
            "already-exists",
            "invalid-request",
            "sql-refused",
            "source-unreachable",
            "not-available",
        ],
        status=201,
    ),
)
async def create(body: SourceIn, collection: CollectionDep, services: ServicesDep) -> Response:
    """The source is opened and its catalogue read before it is kept; nothing is written to it."""
    tables = tuple(body.tables) if body.tables else None
    if services.sql is None:
        raise Rejected("the SQL channel is off (ANABRANCH_RETRIEVERS__SQL__USE)", "not-available")
    try:
        await services.sql.probe(SourceSpec(body.name, body.url, tables))
    except RetrieverUnavailable as error:
        raise Rejected(str(error), "source-unreachable", at="/body/url") from error
    except QueryRefused as error:
        raise Rejected(str(error), "sql-refused", at="/body") from error
    made = await services.sources.create(collection.id, body.name, body.url, tables)
    location = f"/v1/collections/{collection.name}/sql-sources/{made.name}"
    return render.reply(_json(made), 201, {"Location": location})


@router.get(
    "/collections/{collection}/sql-sources",
    response_model=SourcesOut,
    **operation(
        "listSqlSources",
        "List the SQL sources of a collection",
        "admin",
        answer={"data": [examples.SOURCE], "has_more": False, "next_cursor": None},
        problems=["not-found"],
    ),
)
async def list_all(collection: CollectionDep, services: ServicesDep) -> Response:
    """By name, passwords masked."""
    found = await services.sources.all(collection.id)
    data = [_json(source) for source in found]
    return render.reply({"data": data, "has_more": False, "next_cursor": None})


@router.get(
    "/collections/{collection}/sql-sources/{name}",
    response_model=SourceOut,
    **operation(
        "getSqlSource",
        "One SQL source",
        "admin",
        answer=examples.SOURCE,
        problems=["not-found"],
    ),
)
async def get(name: SourceName, collection: CollectionDep, services: ServicesDep) -> Response:
    """The source of this name, password masked."""
    return render.reply(_json(await services.sources.get(collection.id, name)))


@router.delete(
    "/collections/{collection}/sql-sources/{name}",
    **operation(
        "deleteSqlSource",
        "Forget an SQL source",
        "admin",
        answer=None,
        problems=["not-found"],
        status=204,
    ),
)
async def delete(name: SourceName, collection: CollectionDep, services: ServicesDep) -> Response:
    """The database itself is not touched."""
    await services.sources.delete(collection.id, name)
    return Response(status_code=204)
