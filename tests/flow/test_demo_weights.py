"""What the demonstration shows holds with the real encoder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.demo import QUESTIONS, Demonstration, build_database, documents
from app.settings import Settings
from tests.whole import running, settings

pytestmark = [pytest.mark.anyio, pytest.mark.weights]


def folder() -> Path:
    """Where the weights are, as the service finds them."""
    return Path(os.environ.get("ANABRANCH_TEST_MODEL", "data/models/all-MiniLM-L6-v2"))


def chosen(here: Path) -> Settings:
    if not (folder() / "model.onnx").is_file():
        pytest.skip(f"no model in {folder()}; run: anabranch models fetch")
    return settings(here, embedder={"folder": folder().resolve()})


@pytest.mark.parametrize("reasoning", ["auto", "direct", "lag"])
async def test_each_question_of_the_demonstration_is_answered_as_promised(
    tmp_path: Path, reasoning: str
) -> None:
    build_database(tmp_path / "town.db")
    async with running(chosen(tmp_path)) as (client, services):
        default = await services.collections.get("default")
        job = await services.ingest.accept(default, documents())
        assert (await services.ingest.wait(job.id, 60)).status == "succeeded"
        source = {"name": "town", "url": f"sqlite:///{tmp_path / 'town.db'}"}
        added = await client.post("/v1/collections/default/sql-sources", json=source)
        assert added.status_code == 201, added.text
        for shown in QUESTIONS:
            body = {"question": shown.question, "reasoning": reasoning}
            answer = (await client.post("/v1/collections/default/ask", json=body)).json()
            assert answer["status"] == shown.status, shown.question
            assert _holds(answer, shown), shown.question


def _holds(answer: dict[str, object], shown: Demonstration) -> bool:
    return all(part in str(answer["answer"]) for part in shown.expected)
