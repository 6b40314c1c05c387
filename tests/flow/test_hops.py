"""Plans over the real indexes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from ingesting import House, house

from app.domain.documents import Source
from app.domain.plan import Plan, SubQuestion
from app.engine.appraise import Appraiser
from app.engine.fanout import Channel
from app.engine.hops.follow import Hops
from app.engine.multihop import Multihop
from app.engine.search import Search, SearchOptions
from retrievers.embedders.hashing import HashingEmbedder
from retrievers.errors import RetrieverUnavailable
from retrievers.filters import Compare
from retrievers.types import Query

pytestmark = pytest.mark.anyio

WORLD = {
    "bridge": ("Nine Heron Bridge", "The Nine Heron Bridge was designed by Isaura Venn in 1887."),
    "venn": ("Isaura Venn", "Isaura Venn grew up in Callowby. Her teacher was Odo Marsh."),
    "marsh": ("Odo Marsh", "Odo Marsh kept a school of drawing in Callowby."),
    "mill": ("Tern Mill", "The Tern Mill was designed by Ada Bell and burnt down twice."),
    "bell": ("Ada Bell", "Ada Bell painted mills. Her teacher was Jon Reed."),
}
QUESTION = "Who was the teacher of the designer of the Nine Heron Bridge?"
NODES = (
    SubQuestion("1", "the designer of the Nine Heron Bridge", (), "retrieve", "person"),
    SubQuestion("2", "Who was the teacher of #1", ("1",), "retrieve", "person"),
)
PLAN = Plan(QUESTION, NODES, "rules")


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[tuple[House, Hops, Search]]:
    async with house(folder) as home:
        sources = [
            Source(
                id, title, "text/plain", text, metadata={"part": "new" if id == "venn" else "old"}
            )
            for id, (title, text) in WORLD.items()
        ]
        await home.add(*sources)
        doors = {name: Channel(name, index, 5.0) for name, index in home.indexes.items()}
        appraiser = Appraiser(home.indexes["graph"], home.indexes["vector"], HashingEmbedder())
        flat = [doors["vector"], doors["fulltext"]]
        hops = Hops(flat, doors["graph"], appraiser, home.chunks)
        options = SearchOptions(deadline_s=30, plan_s=30)
        yield home, hops, Search(list(doors.values()), Multihop(appraiser), options, hops=hops)


async def test_a_guess_is_bound_into_the_node_that_needs_it(tmp_path: Path) -> None:
    async with world(tmp_path) as (home, hops, _):
        followed = await hops.follow(Query(home.here.id, QUESTION), PLAN, 30)
        first, second = followed.hops
        assert first.guesses[0].text == "Isaura Venn"
        assert second.variants[0].query.text == "Who was the teacher of Isaura Venn"
        assert second.variants[0].passages[0].origin.document_id == "venn"
        assert second.guesses[0].text == "Odo Marsh"
        penalties = [variant.penalty for variant in second.variants]
        assert penalties == sorted(penalties)
        assert penalties[0] == 0


async def test_a_node_keeps_the_filter_of_the_question(tmp_path: Path) -> None:
    async with world(tmp_path) as (home, hops, _):
        only = Query(home.here.id, QUESTION, Compare("part", "eq", "old"))
        followed = await hops.follow(only, PLAN, 30)
        assert "venn" not in {item.origin.document_id for item in followed.evidence}


async def test_all_nodes_meet_in_one_selection(tmp_path: Path) -> None:
    async with world(tmp_path) as (home, _, search):
        found = await search.search(home.here.id, QUESTION, 3, plan=PLAN)
        assert [hit.chunk.document_id for hit in found.hits[:2]] == ["bridge", "venn"]
        assert found.degraded == ()
        again = await search.search(home.here.id, QUESTION, 3, plan=PLAN)
        assert again.hits == found.hits


async def test_a_plan_that_cannot_be_followed_is_named_and_costs_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as (home, _, search):

        async def broken(*_: object) -> None:
            raise RetrieverUnavailable("the graph is away")

        monkeypatch.setattr(home.indexes["graph"], "named", broken)
        found = await search.search(home.here.id, QUESTION, 3, plan=PLAN)
        assert found.hits
        assert [(d.component, "not followed" in d.reason) for d in found.degraded] == [
            ("graph", True)
        ]


async def test_a_channel_that_fails_a_node_is_named_and_the_others_serve_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as (home, hops, _):

        async def broken(*_: object) -> None:
            raise RetrieverUnavailable("no words today")

        monkeypatch.setattr(home.indexes["fulltext"], "search", broken)
        followed = await hops.follow(Query(home.here.id, QUESTION), PLAN, 30)
        assert [(one.component, one.reason) for one in followed.degraded] == [
            ("fulltext", "for a sub-question: no words today")
        ]
        assert "bridge" in {item.origin.document_id for item in followed.evidence}
