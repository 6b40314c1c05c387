"""`ask` as Server-Sent Events: what is told, what is kept, and what ends with the client."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import httpx
import pytest
from edge_services import ADMIN, Services, live, make_services, serving

from app.api.asking import stream
from app.domain.errors import NoEvidence
from app.domain.events import Completed, Created, Delta, Listener, unheard

pytestmark = pytest.mark.anyio
HOME = "/v1/collections/default"
ASK = f"{HOME}/ask"
QUESTION = {"question": "alpha ?"}
STREAMED = {**QUESTION, "stream": True}
# Characters that JSON lets stand and that other readers take for the end of a line.
TEXT = "alpha\u2028beta\x85gamma\r\ndelta \U0001f600 éß"


@dataclass(frozen=True)
class Sent:
    name: str
    id: int
    data: Any


def events(text: str) -> list[Sent]:
    """The events of a stream, read as strictly as they are written."""
    found = []
    for block in text.split("\n\n"):
        if not block or block.startswith(":"):
            continue
        name, id, data = block.split("\n")
        assert name.startswith("event: ")
        assert id.startswith("id: ")
        assert data.startswith("data: ")
        found.append(Sent(name[7:], int(id[4:]), json.loads(data[6:])))
    assert [event.id for event in found] == list(range(1, len(found) + 1))
    return found


@pytest.fixture
async def stocked(client: Any) -> Any:
    documents = [{"id": "d", "title": "D", "text": TEXT}]
    await client.post(f"{HOME}/documents", json={"documents": documents})
    return client


async def test_events_come_in_order_and_under_their_headers(stocked: Any) -> None:
    response = await stocked.post(ASK, json=STREAMED)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["x-request-id"]
    told = events(response.text)
    assert [event.name for event in told] == [
        "answer.created",
        "plan.created",
        "step.started",
        "retrieval.completed",
        "step.completed",
        "evidence.selected",
        "answer.delta",
        "citation.added",
        "answer.completed",
    ]
    data = {event.name: event.data for event in told}
    assert data["answer.created"]["question"] == QUESTION["question"]
    assert data["answer.created"]["reasoning"] == "auto"
    assert data["plan.created"] == {"gate": {"decision": "direct"}, "plan": None}
    assert data["retrieval.completed"] == {
        "step": "0",
        "round": 1,
        "query": QUESTION["question"],
        "channels": {"vector": {"status": "ok", "count": 1, "ms": 1.0}},
    }
    assert data["step.completed"]["stop_reason"] == "single"
    selected = data["evidence.selected"]["hits"]
    whole = data["answer.completed"]["evidence"]
    assert selected == [{name: hit[name] for name in hit if name != "text"} for hit in whole]


async def test_what_is_streamed_is_what_is_kept_and_what_ask_answers(stocked: Any) -> None:
    told = events((await stocked.post(ASK, json=STREAMED)).text)
    last = told[-1].data
    assert (
        "".join(event.data["text"] for event in told if event.name == "answer.delta")
        == (last["answer"])
    )
    assert [event.data for event in told if event.name == "citation.added"] == last["citations"]
    assert last["id"] == told[0].data["id"]
    assert (await stocked.get(f"/v1/answers/{last['id']}")).json() == last
    plain = (await stocked.post(ASK, json=QUESTION)).json()
    assert {**plain, "id": last["id"]} == last


async def test_a_citation_comes_after_the_statement_it_supports(stocked: Any) -> None:
    said, quoted = "", []
    for event in events((await stocked.post(ASK, json=STREAMED)).text):
        if event.name == "answer.delta":
            said += event.data["text"]
        elif event.name == "citation.added":
            quoted.append(said[event.data["start"] : event.data["end"]])
            assert event.data["quote"] == TEXT
    assert quoted == [TEXT]


async def test_what_the_edge_left_out_is_in_the_last_event_and_kept(stocked: Any) -> None:
    body = {**STREAMED, "generation": {"lfd": True}}
    last = events((await stocked.post(ASK, json=body)).text)[-1].data
    assert [item["component"] for item in last["degraded"]] == ["lfd"]
    assert (await stocked.get(f"/v1/answers/{last['id']}")).json() == last


async def test_the_answer_is_kept_before_its_last_event_leaves(
    stocked: Any, services: Services
) -> None:
    saving, go_on = asyncio.Event(), asyncio.Event()
    save = services.answers.save

    async def slow(*arguments: Any) -> None:
        saving.set()
        await go_on.wait()
        await save(*arguments)

    services.answers.save = slow
    async with wire(stocked) as line:
        assert (await line.sent.get())["status"] == 200
        told = await line.body()  # everything that was told until now
        assert saving.is_set()
        assert "event: citation.added" in told
        assert "answer.completed" not in told
        assert line.sent.empty()
        go_on.set()
        last = await line.body()
        await line.running
    assert [event.name for event in events(told + last)][-1] == "answer.completed"
    assert [*services.answers.kept] == [events(told + last)[-1].data["id"]]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"question": " ", "stream": True}, 422, "invalid-request"),
        ({"question": "x" * 8001, "stream": True}, 422, "invalid-request"),
        ({**STREAMED, "filters": {"a": None}}, 422, "bad-filter"),
        ({**STREAMED, "generation": {"lfd": {"required": True}}}, 422, "not-available"),
    ],
)
async def test_what_cannot_be_asked_is_a_problem_and_no_stream(
    client: Any, body: dict[str, Any], status: int, code: str
) -> None:
    response = await client.post(ASK, json=body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code


async def test_without_any_retriever_it_is_a_503_and_no_stream(
    client: Any, services: Services
) -> None:
    services.search.down = True
    response = await client.post(ASK, json=STREAMED)
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "no-retriever"


async def test_a_full_queue_is_429_and_no_stream(services: Services) -> None:
    ask = Gated(services)
    async with serving(services, limits={"concurrency": 1, "queue": 0}) as client:
        first = asyncio.create_task(client.post(ASK, json=STREAMED))
        await ask.entered.wait()
        refused = await client.post(ASK, json=STREAMED)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "2"
        ask.go_on.set()
        assert (await first).status_code == 200
        assert (await client.post(ASK, json=STREAMED)).status_code == 200


class Gated:
    """An `ask` that tells a first statement, then waits to be let on; records how it ended."""

    def __init__(self, services: Services) -> None:
        self.entered, self.go_on, self.cancelled = (asyncio.Event() for _ in range(3))
        self.cleaned = False
        self.after = 0
        self.inner = services.ask.ask
        services.ask.ask = self.ask

    async def ask(self, collection: Any, request: Any, listen: Listener = unheard) -> Any:
        listen(Created("ans_gated", request.question, request.reasoning))
        listen(Delta("A first statement."))
        self.entered.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            await asyncio.sleep(0)  # cleaning up takes a moment, and is waited for
            self.cleaned = True
            raise
        self.after += 1
        return await self.inner(collection, request)


@dataclass
class Wire:
    """One request on the bare ASGI application, whose client leaves when the test says so."""

    sent: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    taking: asyncio.Event = field(default_factory=asyncio.Event)  # unset: frames get stuck
    running: asyncio.Task[None] = field(init=False)
    asked: bool = False
    broken: bool = False

    def __post_init__(self) -> None:
        self.taking.set()

    async def receive(self) -> dict[str, Any]:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": json.dumps(STREAMED).encode()}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if self.broken:
            raise OSError("the client has gone")
        self.sent.put_nowait(message)
        await self.taking.wait()

    async def body(self) -> str:
        message = await self.sent.get()
        assert message["type"] == "http.response.body"
        return str(message["body"].decode())


@asynccontextmanager
async def wire(client: Any) -> AsyncIterator[Wire]:
    """The request, underway."""
    made = Wire()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "path": ASK,
        "raw_path": ASK.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [
            (b"authorization", f"Bearer {ADMIN}".encode()),
            (b"content-type", b"application/json"),
        ],
    }
    made.running = asyncio.create_task(client._transport.app(scope, made.receive, made.send))
    try:
        yield made
    finally:
        made.running.cancel()
        await asyncio.gather(made.running, return_exceptions=True)


async def test_who_leaves_takes_the_question_with_him(client: Any, services: Services) -> None:
    ask = Gated(services)
    async with wire(client) as line:
        assert (await line.sent.get())["status"] == 200
        assert "A first statement." in await line.body()
        line.gone.set()
        await line.running
        assert ask.cancelled.is_set()
        assert ask.cleaned
        assert line.sent.empty()
    assert services.answers.kept == {}


async def test_who_leaves_before_anything_was_sent_takes_it_with_him_too(
    client: Any, services: Services
) -> None:
    cancelled = asyncio.Event()
    entered = asyncio.Event()

    async def search(*_: Any, **__: Any) -> Any:
        entered.set()
        try:
            await asyncio.Future()
        finally:
            cancelled.set()

    services.search.search = search
    async with wire(client) as line:
        await entered.wait()
        line.gone.set()
        await line.running
        assert cancelled.is_set()
        assert line.sent.empty()


async def test_leaving_cancels_at_once_even_while_a_frame_is_stuck(
    client: Any, services: Services
) -> None:
    ask = Gated(services)
    async with wire(client) as line:
        line.taking.clear()
        assert (await line.sent.get())["status"] == 200
        line.gone.set()
        await ask.cancelled.wait()
        assert not line.running.done()
        line.taking.set()
        await line.running


async def test_a_server_that_raises_when_the_client_has_gone_is_understood(
    client: Any, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    ask = Gated(services)
    async with wire(client) as line:
        line.broken = True
        await line.running
    assert ask.cleaned
    assert caplog.records == []


async def test_the_place_is_free_again_once_the_client_has_left(services: Services) -> None:
    ask = Gated(services)
    async with serving(services, limits={"concurrency": 1, "queue": 0}) as client:
        async with wire(client) as line:
            await ask.entered.wait()
            line.gone.set()
            await line.running
        ask.go_on.set()
        assert (await client.post(ASK, json=QUESTION)).status_code == 200


async def test_silence_is_filled_with_comments(
    client: Any, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "KEEP_ALIVE_S", 0.001)
    ask = Gated(services)
    async with wire(client) as line:
        assert (await line.sent.get())["status"] == 200
        assert "answer.delta" in await line.body()
        assert await line.body() == ": keep-alive\n\n"
        assert await line.body() == ": keep-alive\n\n"
        ask.go_on.set()


async def test_nothing_follows_the_last_frame() -> None:
    finish = asyncio.Event()
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def work(put: stream.Put) -> None:
        put(stream.frame("the last"))
        await finish.wait()

    async def receive() -> dict[str, Any]:
        return await asyncio.Future()

    response = stream.EventStream(work, lambda _: b"")
    running = asyncio.create_task(response({"type": "http"}, receive, sent.put))
    assert (await sent.get())["status"] == 200
    assert (await sent.get())["body"] == b'data: "the last"\n\n'
    finish.set()
    await running
    assert await sent.get() == {"type": "http.response.body", "body": b"", "more_body": False}
    assert sent.empty()


async def test_a_long_search_opens_the_stream_with_a_comment_and_fails_in_it(
    client: Any, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "KEEP_ALIVE_S", 0.001)
    fail = asyncio.Event()

    async def search(*_: Any, **__: Any) -> Any:
        await fail.wait()
        raise NoEvidence("no retriever could answer")

    services.search.search = search
    async with wire(client) as line:
        assert (await line.sent.get())["status"] == 200
        told = await line.body()
        fail.set()
        while "event: error" not in told:
            told += await line.body()
    problem = events(told)[-1].data
    assert problem["status"] == 503
    assert problem["code"] == "no-retriever"
    assert problem["instance"] == ASK


async def broken(client: Any, services: Services, error: Exception) -> list[Sent]:
    """The events of a question that fails after its first statement has left."""
    ask = Gated(services)

    async def fail(*_: Any) -> Any:
        raise error

    ask.inner = fail
    async with wire(client) as line:
        assert (await line.sent.get())["status"] == 200
        told = await line.body()
        ask.go_on.set()
        told += await line.body()
        await line.running
    return events(told)


@pytest.mark.parametrize(
    "error",
    [NoEvidence("all gone"), ExceptionGroup("g", [ExceptionGroup("h", [NoEvidence("all gone")])])],
)
async def test_what_fails_under_way_is_the_last_event(
    client: Any, services: Services, error: Exception
) -> None:
    told = await broken(client, services, error)
    assert [event.name for event in told] == ["answer.created", "answer.delta", "error"]
    problem = told[-1].data
    assert problem["code"] == "no-retriever"
    assert problem["status"] == 503
    assert problem["detail"] == "all gone"
    assert problem["instance"] == ASK
    assert problem["request_id"]


async def test_a_bug_under_way_is_an_error_without_detail_and_a_log_entry(
    client: Any, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    told = await broken(client, services, ZeroDivisionError("secret inside"))
    assert told[-1].name == "error"
    assert told[-1].data["code"] == "internal"
    assert told[-1].data["detail"] == ""
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def test_what_fails_before_the_status_has_left_is_an_ordinary_error(
    client: Any, services: Services
) -> None:
    async def ask(_: Any, request: Any, listen: Listener = unheard) -> Any:
        listen(Created("ans_x", request.question, request.reasoning))
        listen(Delta("A first statement."))
        raise NoEvidence("all gone")

    services.ask.ask = ask
    assert (await client.post(ASK, json=STREAMED)).status_code == 503


async def test_a_bug_before_the_first_event_is_a_500(
    client: Any, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask(*_: Any) -> Any:
        raise ZeroDivisionError("secret inside")

    services.ask.ask = ask
    response = await client.post(ASK, json=STREAMED)
    assert response.status_code == 500
    assert response.json()["code"] == "internal"


async def test_a_server_that_stops_says_so_in_the_stream(client: Any, services: Services) -> None:
    ask = Gated(services)
    async with wire(client) as line:
        assert (await line.sent.get())["status"] == 200
        await line.body()
        line.running.cancel()
        told = await line.body()
        with pytest.raises(asyncio.CancelledError):
            await line.running
    assert "event: error" in told
    assert '"code":"not-ready"' in told
    assert ask.cleaned


async def test_no_answer_is_told_twice(client: Any, services: Services) -> None:
    inner = services.ask.ask

    async def twice(collection: Any, request: Any, listen: Listener = unheard) -> Any:
        answer = await inner(collection, request, listen)
        listen(Completed(replace(answer, id="ans_other")))
        return answer

    services.ask.ask = twice
    told = events((await client.post(ASK, json=STREAMED)).text)
    assert [event.name for event in told].count("answer.completed") == 1
    assert told[-1].data["id"] != "ans_other"


class Loud:
    """As `Gated`, across threads: the server runs in one of its own."""

    def __init__(self, services: Services) -> None:
        self.cancelled = threading.Event()
        services.ask.ask = self.ask

    async def ask(self, collection: Any, request: Any, listen: Listener = unheard) -> Any:
        listen(Created("ans_loud", request.question, request.reasoning))
        listen(Delta("A first statement."))
        try:
            return await asyncio.Future()
        finally:
            self.cancelled.set()


@pytest.fixture
def served() -> Iterator[tuple[Loud, str]]:
    services = asyncio.run(make_services())
    loud = Loud(services)
    with live(services) as url:
        yield loud, url


def test_closing_the_socket_cancels_the_question(served: tuple[Loud, str]) -> None:
    loud, url = served
    headers = {"Authorization": f"Bearer {ADMIN}"}
    with httpx.stream("POST", url + ASK, json=STREAMED, headers=headers, timeout=30) as response:
        assert response.status_code == 200
        lines = response.iter_lines()
        while "A first statement." not in next(lines):
            pass
        assert not loud.cancelled.is_set()
    assert loud.cancelled.wait(10)


def test_statements_arrive_before_the_answer_is_complete(served: tuple[Loud, str]) -> None:
    _, url = served
    headers = {"Authorization": f"Bearer {ADMIN}"}
    with httpx.stream("POST", url + ASK, json=STREAMED, headers=headers, timeout=30) as response:
        first = "".join(f"{line}\n" for line in islice(response.iter_lines(), 8))
    assert [event.name for event in events(first)] == ["answer.created", "answer.delta"]
