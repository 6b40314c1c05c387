"""A start that cannot work is one line that names the way out, and a status that says why."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANABRANCH_EMBEDDER__USE", "hashing")
    monkeypatch.setenv("ANABRANCH_PORT", "0")


@pytest.mark.parametrize(
    ("argv", "given", "said"),
    [
        (["--host", "0.0.0.0"], {"ANABRANCH_API_KEYS": "changeme"}, "placeholder"),
        ([], {"ANABRANCH_PROT": "1"}, "ANABRANCH_PORT"),
        ([], {"ANABRANCH_DATABASE_URL": "oracle://x/y"}, "oracle"),
        ([], {"ANABRANCH_DATA_DIR": "/proc/nowhere"}, "ANABRANCH_DATA_DIR"),
        ([], {"WEB_CONCURRENCY": "2"}, "WEB_CONCURRENCY"),
        ([], {"ANABRANCH_RETRIEVERS__VECTOR__USE": "no.such:Thing"}, "VECTOR__USE"),
        (["--host", "192.0.2.1"], {}, "--host"),
    ],
)
def test_serve_is_refused_in_one_line_with_status_2(
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    given: dict[str, str],
    said: str,
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    outcome = run("serve", *argv)
    assert outcome.status == 2, outcome.err
    assert outcome.err.count("\n") == 1, outcome.err
    assert said in outcome.err


def test_a_taken_port_is_named(run: Any) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as door:
        port = str(door.getsockname()[1])
        outcome = run("serve", "--port", port)
    assert outcome.status == 2
    assert port in outcome.err


def test_a_database_of_a_newer_version_is_status_3_and_untouched(run: Any) -> None:
    assert run("migrate").status == 0
    database = Path("data/anabranch.db")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = database.read_bytes()
    for command in ("serve", "migrate"):
        outcome = run(command)
        assert outcome.status == 3
        assert "9999" in outcome.err
    assert database.read_bytes() == before
