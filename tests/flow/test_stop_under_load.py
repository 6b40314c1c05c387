"""The process is stopped while many write and ask: nothing that was acknowledged is lost."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.flow.test_flow_process import Running, serving

pytestmark = pytest.mark.slow
KEY = "a-key-for-tests-of-32-characters"
GIVEN = {"ANABRANCH_API_KEYS": KEY, "ANABRANCH_OBSERVE__LOG_FORMAT": "json"}
HOME = "/v1/collections/default"
DOCUMENTS, BATCH, CLIENTS = 200, 10, 3  # the signal is sent after so many documents


class Load:
    """Clients that write and ask until the service is gone."""

    def __init__(self, url: str) -> None:
        self.acknowledged: set[str] = set()
        self.statuses: set[int] = set()
        self.enough = threading.Event()
        self._url, self._gone = url, threading.Event()
        self._threads = [
            threading.Thread(target=work, args=(number,))
            for number in range(CLIENTS)
            for work in (self._write, self._ask)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        for thread in self._threads:
            thread.join(60)

    def _write(self, number: int) -> None:
        for count in range(10_000):
            ids = [f"{number}-{count}-{place}" for place in range(BATCH)]
            text = f"Otter {number} swims past the Nine Heron Bridge at {count}. " * 20
            documents = {"documents": [{"id": each, "text": text} for each in ids]}
            if self._send(f"{HOME}/documents?wait=1", documents) == 202:
                self.acknowledged.update(ids)
            if len(self.acknowledged) >= DOCUMENTS:
                self.enough.set()
            if self._gone.is_set():
                return

    def _ask(self, number: int) -> None:
        while not self._gone.is_set():
            self._send(f"{HOME}/ask", {"question": f"Who swims past the bridge at {number}?"})

    def _send(self, path: str, body: object) -> int | None:
        headers = {"authorization": f"Bearer {KEY}"}
        try:
            answer = httpx.post(self._url + path, json=body, headers=headers, timeout=60)
        except httpx.TransportError:
            return None
        self.statuses.add(answer.status_code)
        return answer.status_code


def drain(running: Running) -> None:
    """Read what the process says, which would otherwise wait for a reader."""
    assert running.process.stdout is not None
    running.said.extend(running.process.stdout)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_acknowledged_survives_the_end(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path, **GIVEN) as running, Load(running.url) as load:
        reader = threading.Thread(target=drain, args=(running,))
        reader.start()
        assert load.enough.wait(60)
        began = time.monotonic()
        running.process.send_signal(number)
        status = running.process.wait(60)
        reader.join(60)
    if number == signal.SIGTERM:
        assert status == 0
        assert time.monotonic() - began < 60
        assert "Traceback" not in "".join(running.said)
    assert load.statuses <= {200, 202, 503}
    with serving(tmp_path, **GIVEN) as running:
        reader = threading.Thread(target=drain, args=(running,))
        reader.start()
        headers = {"authorization": f"Bearer {KEY}"}
        with httpx.Client(base_url=running.url, headers=headers, timeout=60) as client:
            for job in client.get("/v1/jobs?limit=200").json()["data"]:
                ended = client.get(f"/v1/jobs/{job['id']}?wait=60").json()
                assert ended["status"] == "succeeded", ended
            for document_id in load.acknowledged:
                assert client.get(f"{HOME}/documents/{document_id}").status_code == 200
            size = client.get(f"{HOME}/stats").json()
            assert size["documents"] >= len(load.acknowledged)
            for channel in ("vector", "fulltext"):
                body = {"query": "Otter Heron Bridge", "retrievers": [channel], "top_k": 100}
                found = client.post(f"{HOME}/search", json=body).json()
                assert len({hit["chunk_id"] for hit in found["results"]}) == 100
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0
        reader.join(60)
