"""Plans over the real indexes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from ingesting import House, house

from app.domain.documents import Source
from app.domain.events import Event, Listener, Retrieved, unheard
from app.domain.plan import Plan, SubQuestion
from app.engine.budget import Budget
from app.engine.ranking.appraise import Appraiser
from app.engine.ranking.fanout import Channel
from app.engine.ranking.multihop import Multihop
from app.engine.ranking.search import Search, SearchOptions
from app.engine.reasoning.follow import Executor
from app.engine.reasoning.loop import Loop
from app.engine.reasoning.nodes import Nodes
from app.engine.reasoning.wordings import Wordings
from app.engine.run import Run
from app.engine.steps.plan import Planning
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
PLANNING = Planning(PLAN, "bridge")


def run(listen: Listener = unheard, **limits: float) -> Run:
    return Run(Budget(seconds=60).lowered(**limits), listen=listen)


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[tuple[House, Executor, Search]]:
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
        wordings = Wordings(flat, doors["graph"], None, appraiser)
        nodes = Nodes(wordings, appraiser, home.chunks, Loop(appraiser.encoder))
        executor = Executor(nodes, appraiser)
        search = Search(list(doors.values()), Multihop(appraiser), SearchOptions(deadline_s=30))
        yield home, executor, search


async def test_a_guess_is_bound_into_the_node_that_needs_it(tmp_path: Path) -> None:
    async with world(tmp_path) as (home, executor, _):
        followed = await executor.follow(run(), Query(home.here.id, QUESTION), PLANNING, PLAN)
        first, second = followed.hops
        assert first.guesses[0].text == "Isaura Venn"
        assert second.variants[0].query.text == "Who was the teacher of Isaura Venn"
        assert second.variants[0].passages[0].origin.document_id == "venn"
        assert second.guesses[0].text == "Odo Marsh"
        penalties = [variant.penalty for variant in second.variants]
        assert penalties == sorted(penalties)
        assert penalties[0] == 0


async def test_a_node_keeps_the_filter_of_the_question(tmp_path: Path) -> None:
    async with world(tmp_path) as (home, executor, _):
        only = Query(home.here.id, QUESTION, Compare("part", "eq", "old"))
        followed = await executor.follow(run(), only, PLANNING, PLAN)
        assert "venn" not in {item.origin.document_id for item in followed.evidence}


async def test_all_nodes_meet_in_one_selection(tmp_path: Path) -> None:
    async with world(tmp_path) as (home, executor, search):
        followed = await executor.follow(run(), Query(home.here.id, QUESTION), PLANNING, PLAN)
        found = await search.search(home.here.id, QUESTION, 3, planned=followed)
        assert [hit.chunk.document_id for hit in found.hits[:2]] == ["bridge", "venn"]
        assert found.degraded == ()
        again = await search.search(home.here.id, QUESTION, 3, planned=followed)
        assert again.hits == found.hits


async def test_a_node_that_cannot_be_asked_stops_and_takes_only_its_descendants_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as (home, executor, search):

        async def broken(*_: object) -> None:
            raise RetrieverUnavailable("the graph is away")

        monkeypatch.setattr(home.indexes["graph"], "named", broken)
        asked = run()
        followed = await executor.follow(asked, Query(home.here.id, QUESTION), PLANNING, PLAN)
        assert [(hop.status, hop.reason) for hop in followed.hops] == [
            ("stopped", "store_unavailable"),
            ("stopped", "dependency_failed"),
        ]
        assert [one.component for one in asked.degraded] == ["graph"]
        found = await search.search(home.here.id, QUESTION, 3, planned=followed)
        assert found.hits


async def test_a_node_that_runs_out_of_time_keeps_what_it_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as (home, executor, _):

        async def endless(*_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(home.indexes["graph"], "named", endless)
        asked = run(seconds=1)
        followed = await executor.follow(asked, Query(home.here.id, QUESTION), PLANNING, PLAN)
        first = followed.hops[0]
        assert (first.status, first.reason) == ("stopped", "deadline")
        assert [one.query for one in first.rounds] == [NODES[0].text]
        assert first.rounds[0].fused[0].chunk.document_id == "bridge"
        assert {seen.channel for seen in first.rounds[0].channels} == {
            "vector",
            "fulltext",
            "graph",
        }
        assert asked.limited == ["seconds"]


async def test_wordings_that_fail_together_stop_their_node_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as (home, executor, _):
        profile = home.indexes["graph"].profile

        async def failing(query: Query, *rest: object) -> object:
            if query.text.startswith("Who was the teacher of "):  # every wording of node 2
                raise RetrieverUnavailable("the graph is away")
            return await profile(query, *rest)

        monkeypatch.setattr(home.indexes["graph"], "profile", failing)
        asked = run()
        followed = await executor.follow(asked, Query(home.here.id, QUESTION), PLANNING, PLAN)
        assert [(hop.status, hop.reason) for hop in followed.hops] == [
            ("guessed", "candidates"),
            ("stopped", "store_unavailable"),
        ]


async def test_nodes_ask_no_more_than_the_budget_allows(tmp_path: Path) -> None:
    async with world(tmp_path) as (home, executor, _):
        asked = run(store_queries=1)
        followed = await executor.follow(asked, Query(home.here.id, QUESTION), PLANNING, PLAN)
        assert [(hop.status, hop.reason) for hop in followed.hops] == [
            ("guessed", "candidates"),
            ("stopped", "budget"),
        ]
        assert asked.limited == ["store_queries"]
        assert asked.ledger.store_queries == 1


async def test_events_tell_of_each_node_in_order(tmp_path: Path) -> None:
    async with world(tmp_path) as (home, executor, _):
        heard: list[Event] = []
        await executor.follow(run(heard.append), Query(home.here.id, QUESTION), PLANNING, PLAN)
        steps = [(type(e).__name__, e.step) for e in heard if not isinstance(e, Retrieved)]
        assert steps == [
            ("StepStarted", "1"),
            ("StepCompleted", "1"),
            ("StepStarted", "2"),
            ("StepCompleted", "2"),
        ]
        assert {e.query for e in heard if isinstance(e, Retrieved)} >= {
            "the designer of the Nine Heron Bridge",
            "Who was the teacher of Isaura Venn",
        }


async def test_a_channel_that_fails_a_node_is_named_and_the_others_serve_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as (home, executor, _):

        async def broken(*_: object) -> None:
            raise RetrieverUnavailable("no words today")

        monkeypatch.setattr(home.indexes["fulltext"], "search", broken)
        followed = await executor.follow(run(), Query(home.here.id, QUESTION), PLANNING, PLAN)
        assert [(one.component, one.reason) for one in followed.degraded] == [
            ("fulltext", "for a sub-question: no words today")
        ]
        assert "bridge" in {item.origin.document_id for item in followed.evidence}
