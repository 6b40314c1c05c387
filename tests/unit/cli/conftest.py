"""Commands run in this process, against in-memory services on loopback."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from edge_services import ADMIN, Services, live, make_services

from app.cli import main


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("ANABRANCH_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    def command(*argv: str) -> Outcome:
        try:
            status = main([str(part) for part in argv])
        except SystemExit as left:  # argparse
            status = int(left.code or 0)
        said = capsys.readouterr()
        return Outcome(status, said.out, said.err)

    return command


@pytest.fixture
def kept() -> Services:
    return asyncio.run(make_services())


@pytest.fixture
def there(kept: Services) -> Iterator[list[str]]:
    """Options that reach a running service."""
    with live(kept) as url:
        yield ["--url", url, "--key", ADMIN]
