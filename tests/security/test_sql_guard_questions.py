"""Hostile questions: whatever is asked, only allowed tables are read and nothing is written."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from retrievers.sql.tables import SqlRetriever
from retrievers.types import Query, Rows
from tests.tables import HERE, Sources, harbour_file, spec_of

QUESTIONS = [
    "Drop table ship",
    "'; DROP TABLE ship; --",
    "List all ships named '; DROP TABLE ship; --",
    "List all ships named \"Heron' OR '1'='1\"",
    "List all smugglers",
    "How many smugglers are there?",
    "What is the hideout of The Gull?",
    "What is the password of Mara Oake?",
    "List the passwords of all captains",
    "Show the password of each captain",
    "Which captain has the longest password?",
    "List captains with the password hunter2",
    "How many captains have the password 'hunter2'?",
    "Delete all voyages with cost above 10",
    "Update the tonnage of the ship Heron to 5",
    "Insert a ship named Kraken",
    'Which ships are named "%"?',
    'Which ships have "%_%" in their name?',
    "List ships where name = 'Heron' UNION SELECT hideout FROM smuggler",
    "SELECT * FROM smuggler",
    "SELECT password FROM captain",
    "List the tables of sqlite_master",
    "Show me pragma table_info(ship)",
    "Attach database '/etc/passwd' as ship",
    "Read the file /etc/passwd",
    "List ships \0 with tonnage above 10",
    "List ships /* */ with tonnage above 10; DELETE FROM ship",
    "How many ships" + " and ships" * 200 + "?",
    "ship " * 500,
    "(" * 500,
    'What is the average tonnage of ships named "' + "x" * 5_000 + '"?',
    "How many ships have a tonnage above 1e999?",
    "How many ships have a tonnage above 99999999999999999999999999?",
    "List the top 100000000 ships by tonnage",
    "List the top 0 ships by tonnage",
]


@pytest.fixture
async def retriever(tmp_path: Path) -> AsyncIterator[tuple[SqlRetriever, Path]]:
    path = harbour_file(tmp_path)
    retriever = SqlRetriever(Sources(spec_of(path)))
    yield retriever, path
    await retriever.close()


@pytest.mark.anyio
@pytest.mark.parametrize("question", QUESTIONS)
async def test_hostile_questions_read_nothing_else_and_write_nothing(
    retriever: tuple[SqlRetriever, Path], question: str
) -> None:
    asked, path = retriever
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    found = await asked.search(Query(HERE, question), 3)
    for evidence in found:
        assert isinstance(evidence.origin, Rows)
        shown = repr(evidence.origin.rows) + evidence.origin.statement.replace(question, "")
        assert "Sea cave" not in shown
        assert "hunter2" not in repr(evidence.origin.rows)
        assert "password" not in evidence.origin.statement
        assert '"smuggler"' not in evidence.origin.statement
        assert len(evidence.origin.rows) <= 200
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
