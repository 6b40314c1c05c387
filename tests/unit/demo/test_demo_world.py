from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from app.demo import QUESTIONS, build_database, documents
from app.domain.documents import Parsed
from app.ingest.parse import html, json, markdown, text

PARSERS = {
    "text/markdown": markdown.parse,
    "text/html": html.parse,
    "application/json": json.parse,
    "text/plain": text.parse,
}


def parsed() -> dict[str, Parsed]:
    return {source.id: PARSERS[source.media_type](source) for source in documents()}


def test_the_world_comes_in_every_format_with_distinct_ids() -> None:
    world = documents()
    assert len({source.id for source in world}) == len(world) >= 12
    assert {source.media_type for source in world} == set(PARSERS)
    assert all(source.content for source in world)


def test_every_document_has_a_title_and_a_text() -> None:
    for document in parsed().values():
        assert document.title
        assert len(document.text) > 200


def test_what_the_questions_expect_stands_in_the_documents_or_the_tables(tmp_path: Path) -> None:
    everything = "\n".join(document.text for document in parsed().values())
    for demonstration in QUESTIONS:
        for part in demonstration.expected:
            assert demonstration.channel == "sql" or part in everything
    build_database(tmp_path / "town.db")
    with closing(sqlite3.connect(tmp_path / "town.db")) as connection:
        [total] = connection.execute(
            "SELECT SUM(amount) FROM tolls JOIN boats ON boats.id = boat_id WHERE name = 'Marigold'"
        ).fetchone()
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert str(total) in next(d.expected for d in QUESTIONS if d.channel == "sql")


def test_the_questions_need_every_channel_and_one_has_no_answer() -> None:
    assert [demonstration.channel for demonstration in QUESTIONS] == [
        "vector",
        "graph",
        "fulltext",
        "sql",
        "",
    ]
    assert [d.status for d in QUESTIONS if not d.channel] == ["unanswerable"]


def test_the_database_is_built_anew_each_time(tmp_path: Path) -> None:
    build_database(tmp_path / "town.db")
    build_database(tmp_path / "town.db")
    with closing(sqlite3.connect(tmp_path / "town.db")) as connection:
        assert connection.execute("SELECT COUNT(*) FROM boats").fetchone() == (8,)
