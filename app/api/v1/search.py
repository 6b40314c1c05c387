"""`POST …/search`: one query, ranked."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from app.api import filters, render
from app.api.deps import CollectionDep, EdgeDep, SecuredRoute
from app.api.docs import examples
from app.api.docs.openapi import operation
from app.api.limits import query_size
from app.api.schemas import Body, Channel, DegradedOut, FilterIn, HitOut, Spoken, TopK
from app.domain.errors import Rejected
from retrievers.filters import EVERYTHING

router = APIRouter(prefix="/v1", tags=["questions"], route_class=SecuredRoute)


# Rows have no document metadata: the two together are refused.
_SQL_OR_FILTERS: dict[str, Any] = {
    "not": {
        "required": ["filters", "retrievers"],
        "properties": {
            "filters": {"type": "object", "minProperties": 1},
            "retrievers": {"type": "array", "contains": {"const": "sql"}},
        },
    }
}


class SearchIn(Body):
    """One query."""

    model_config = ConfigDict(json_schema_extra=_SQL_OR_FILTERS)

    query: Spoken
    top_k: TopK = 10
    retrievers: Annotated[list[Channel], Field(min_length=1, max_length=4)] | None = None
    strategy: Literal["auto", "single", "multihop"] = "auto"
    filters: FilterIn = None


class SearchOut(BaseModel):
    """Hits, best first; at most one per passage."""

    query: str
    strategy: Literal["single", "multihop"]
    results: list[HitOut]
    degraded: list[DegradedOut]
    took_ms: float


@router.post(
    "/collections/{collection}/search",
    response_model=SearchOut,
    **operation(
        "search",
        "Search the collection",
        "read",
        request=examples.SEARCH,
        answer=examples.FOUND,
        problems=[
            "not-found",
            "too-large",
            "invalid-request",
            "bad-filter",
            "filter-not-applicable",
            "overloaded",
            "no-retriever",
        ],
    ),
)
async def search(body: SearchIn, collection: CollectionDep, here: EdgeDep) -> Response:
    """The best passages and table rows; channels that did not answer are listed in `degraded`.

    `multihop` follows entities across passages; `auto` decides by the question.
    """
    started = time.perf_counter()
    query_size(body.query, here.limits, "/body/query")
    condition = filters.parse(body.filters)
    channels = frozenset(body.retrievers) if body.retrievers else None
    if channels and "sql" in channels and condition != EVERYTHING:
        raise Rejected(
            "filters do not apply to SQL sources", "filter-not-applicable", at="/body/retrievers"
        )
    async with here.turnstile.turn():
        found = await here.services.search.search(
            collection.id, body.query, body.top_k, channels, body.strategy, condition
        )
    return render.reply(
        {
            "query": body.query,
            "strategy": found.strategy,
            "results": render.hits(found.hits),
            "degraded": render.degraded(found.degraded),
            "took_ms": round((time.perf_counter() - started) * 1000, 3),
        }
    )
