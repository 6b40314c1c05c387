"""The process drains on SIGTERM and ends with status 0, wherever the signal finds it."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.domain.errors import Misconfigured
from app.server import bind

# A service whose `search` takes as long as the query says, so that a request is under way.
PROGRAM = """
import asyncio, sys
from contextlib import asynccontextmanager
sys.path.insert(0, {tests!r})
from edge_services import make_services, settings
from app.main import create_app
from app.server import serve

async def main():
    services = await make_services()
    inner = services.search.search

    async def slow(collection, text, *rest):
        print("searching", flush=True)
        await asyncio.sleep(float(text))
        return await inner(collection, text, *rest)

    services.search.search = slow

    @asynccontextmanager
    async def build(_):
        print("opening", flush=True)
        await asyncio.sleep({opening})
        yield services
        print("closed", flush=True)

    app = create_app(settings(), build)
    await serve(app, "127.0.0.1", 0, {grace}, lambda host, port, _: print(port, flush=True))

asyncio.run(main())
"""


@contextmanager
def process(grace: float = 10.0, opening: float = 0.0) -> Iterator[subprocess.Popen[str]]:
    code = PROGRAM.format(tests=str(Path(__file__).parents[1]), grace=grace, opening=opening)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as made:
        try:
            assert made.stdout is not None
            assert made.stdout.readline() == "opening\n"
            yield made
        finally:
            made.kill()


@contextmanager
def asking(port: int, seconds: float) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": "Bearer admin-key", "Content-Type": "application/json"}
    connection.request(
        "POST", "/v1/collections/default/search", f'{{"query": "{seconds}"}}', headers
    )
    with contextlib.closing(connection):
        yield connection


def port_of(running: subprocess.Popen[str]) -> int:
    assert running.stdout is not None
    return int(running.stdout.readline())


def wait_for(running: subprocess.Popen[str], line: str) -> None:
    assert running.stdout is not None
    assert running.stdout.readline() == line + "\n"


def readiness(connection: http.client.HTTPConnection) -> int:
    connection.request("GET", "/readyz")
    response = connection.getresponse()
    response.read()
    return response.status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_requests_end_and_leaves_status_0(number: signal.Signals) -> None:
    with process() as running, asking(port_of(running), 1.0) as connection:
        wait_for(running, "searching")
        running.send_signal(number)
        assert connection.getresponse().read().startswith(b'{"query"')
        assert running.wait(30) == 0
        wait_for(running, "closed")


def test_readiness_says_503_while_the_door_is_still_open() -> None:
    with process() as running:
        port = port_of(running)
        watching = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with asking(port, 1.5) as busy, contextlib.closing(watching):
            wait_for(running, "searching")
            assert readiness(watching) == 200
            running.send_signal(signal.SIGTERM)
            # The signal may arrive after a few requests; a closed door would be an exception.
            while readiness(watching) == 200:
                pass
            assert readiness(watching) == 503
            assert busy.getresponse().status == 200
            assert running.wait(30) == 0


def test_a_stopping_server_keeps_no_connection_that_it_will_cut() -> None:
    with process() as running:
        port = port_of(running)
        watching = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with asking(port, 1.5) as busy, contextlib.closing(watching):
            wait_for(running, "searching")
            running.send_signal(signal.SIGTERM)
            said = None
            while said is None:  # the signal may arrive after a few requests
                watching.request("GET", "/healthz")
                response = watching.getresponse()
                assert response.read() == b'{"status":"alive"}'
                said = response.getheader("connection")
            assert said == "close"
            assert busy.getresponse().getheader("connection") == "close"
            assert running.wait(30) == 0


def test_a_request_that_outlasts_the_grace_is_given_up() -> None:
    with process(grace=1.0) as running, asking(port_of(running), 60.0):
        wait_for(running, "searching")
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0


def test_a_signal_while_opening_ends_with_status_0() -> None:
    with process(opening=1.0) as running:
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0


def test_a_second_signal_ends_at_once() -> None:
    with process() as running, asking(port_of(running), 60.0):
        wait_for(running, "searching")
        running.send_signal(signal.SIGTERM)
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 1


def test_a_taken_port_and_a_foreign_address_are_named_with_the_way_out() -> None:
    with contextlib.closing(bind("127.0.0.1", 0)) as door:
        door.listen()
        port = door.getsockname()[1]
        with pytest.raises(Misconfigured, match=f"127.0.0.1 port {port}.*--port"):
            bind("127.0.0.1", port)
    with pytest.raises(Misconfigured, match=r"192\.0\.2\.1"):
        bind("192.0.2.1", 0)
    with pytest.raises(Misconfigured, match="nowhere"):
        bind("nowhere.invalid", 0)


def test_responses_are_not_held_back_for_acknowledgements() -> None:
    with contextlib.closing(bind("127.0.0.1", 0)) as door:
        assert door.proto == socket.IPPROTO_TCP  # what asyncio looks at before TCP_NODELAY
