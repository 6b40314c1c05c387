"""`anabranch ask --stream`: statements as they come."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest
from edge_services import Services
from rich.console import Console

from app.cli.follow import Show
from app.domain.errors import NoEvidence
from app.domain.events import Created, Delta, Listener, unheard


@pytest.fixture
def stocked(run: Any, there: list[str]) -> list[str]:
    Path("a.txt").write_text("alpha beta")
    run("ingest", "a.txt", *there)
    return there


def test_a_streamed_answer_reads_as_one_that_is_not(run: Any, stocked: list[str]) -> None:
    plain = run("ask", "alpha ?", *stocked)
    streamed = run("ask", "alpha ?", "--stream", *stocked)
    assert streamed == plain
    assert streamed.out.startswith("alpha beta [1]\n")


@pytest.mark.parametrize("reasoning", ["auto", "direct", "lag"])
@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_the_wanted_reasoning_is_asked_for(
    run: Any, stocked: list[str], kept: Services, reasoning: str, more: list[str]
) -> None:
    assert run("ask", "alpha ?", "--reasoning", reasoning, *more, *stocked).status == 0
    assert kept.ask.asked[-1].reasoning == reasoning


def test_another_reasoning_is_status_2(run: Any, there: list[str]) -> None:
    assert run("ask", "x", "--reasoning", "deep", *there).status == 2


def test_events_as_json_are_one_in_a_line(run: Any, stocked: list[str]) -> None:
    told = run("ask", "alpha ?", "--stream", "--json", *stocked).out.splitlines()
    names = [json.loads(line)["event"] for line in told]
    assert names[0] == "answer.created"
    assert names[-1] == "answer.completed"
    assert json.loads(told[-1])["data"]["answer"] == "alpha beta [1]"


def test_what_is_refused_at_once_is_one_line_and_status_1(
    run: Any, there: list[str], kept: Services
) -> None:
    kept.search.down = True
    outcome = run("ask", "x", "--stream", *there)
    assert outcome.status == 1
    assert outcome.err.count("\n") == 1
    assert "503 no-retriever" in outcome.err
    gone = run("ask", "x", "--stream", "--collection", "nowhere", *there)
    assert "404 not-found" in gone.err


def test_what_fails_under_way_is_said_after_what_was_written(
    run: Any, there: list[str], kept: Services
) -> None:
    async def ask(_: Any, request: Any, listen: Listener = unheard) -> Any:
        listen(Created("ans_x", request.question, request.reasoning))
        listen(Delta("A first statement."))
        for _ in range(10):  # the statement has left by then
            await asyncio.sleep(0)
        raise NoEvidence("all gone")

    kept.ask.ask = ask
    outcome = run("ask", "x", "--stream", *there)
    assert outcome.status == 1
    assert outcome.out == "A first statement.\n"
    assert "all gone (503 no-retriever)" in outcome.err


def test_the_data_directory_is_asked_where_no_service_runs(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANABRANCH_EMBEDDER__USE", "hashing")
    Path("a.txt").write_text("Ada Bell painted the Tern Mill.")
    assert run("ingest", "a.txt").status == 0
    plain = run("ask", "Who painted the Tern Mill?")
    streamed = run("ask", "Who painted the Tern Mill?", "--stream", "--trace")
    assert streamed.status == 0, streamed.err
    first, _, *sources = plain.out.splitlines()  # the second tells how long it took
    assert first == "Ada Bell painted the Tern Mill. [1]"
    told = streamed.out.splitlines()
    assert [told[0], *told[2 : 2 + len(sources)]] == [first, *sources]
    assert told[2 + len(sources)] == "trace direct"
    missing = run("ask", "x", "--stream", "--collection", "nowhere")
    assert (missing.status, missing.out) == (1, "")
    assert "404 not-found" in missing.err


def test_without_a_service_it_is_one_line(run: Any) -> None:
    outcome = run("ask", "x", "--stream", "--url", "http://127.0.0.1:9", "--key", "k")
    assert outcome.status == 1
    assert outcome.err.startswith("anabranch: no service answers at http://127.0.0.1:9")


def test_a_document_cannot_steer_the_terminal(run: Any, there: list[str], kept: Services) -> None:
    Path("a.txt").write_text("alpha \x1b[31mred")
    run("ingest", "a.txt", *there)
    for argv in (["ask", "alpha ?"], ["ask", "alpha ?", "--stream"], ["search", "alpha"]):
        outcome = run(*argv, *there)
        assert "red" in outcome.out
        assert "\x1b" not in outcome.out


def terminal(is_terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=80, highlight=False)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_shows_what_is_being_done_until_the_first_statement() -> None:
    out, err = terminal(True), terminal(True)
    with Show(out, err) as show:
        show.hear("plan.created", {"plan": {"nodes": []}})
        show.hear("step.started", {"step": "1", "question": "Who built [it]?"})
        show.hear("retrieval.completed", {"step": "1", "round": 2, "query": "builder"})
        show.hear("evidence.selected", {"hits": [{}, {}]})
        before = written(err)
        show.hear("answer.delta", {"text": "One."})
        after = written(err)
        show.hear("step.started", {"step": "2", "question": "too late"})
        show.hear("answer.delta", {"text": " Two."})
        assert "One." in written(out)
    assert len(after) > len(before)  # the line is taken away
    assert written(err) == after
    assert "Two." in written(out)


def test_a_pipe_gets_statements_only() -> None:
    out, err = terminal(False), terminal(False)
    with Show(out, err) as show:
        show.hear("step.started", {"step": "1", "question": "x"})
        show.hear("answer.delta", {"text": "One."})
        show.hear("answer.delta", {"text": " Two."})
        assert written(out) == "One. Two."
    assert written(out) == "One. Two.\n"
    assert written(err) == ""
