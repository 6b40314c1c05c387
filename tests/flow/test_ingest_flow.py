"""From posted documents to hits in every channel, on the real store and the real indexes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ingesting import House, house

from app.domain.documents import Source

pytestmark = pytest.mark.anyio


def text(id: str, text: str, title: str = "") -> Source:
    return Source(id, title, "text/plain", text)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


async def test_a_document_whose_job_succeeded_is_found_everywhere(home: House) -> None:
    job = await home.add(
        text("weir", "The Quillonberg weir was built in 1904 by Ada Bell.", "Quillonberg weir"),
        text("mill", "Ada Bell also owned the mill at Sorvik.", "Sorvik mill"),
    )
    assert (job.status, job.done, job.total) == ("succeeded", 2, 2)
    for channel, found in (await home.found("Quillonberg weir")).items():
        assert found[0] == "weir", channel
