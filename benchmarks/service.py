"""Starts the service as its user would, in a folder of its own, and talks to it over loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from benchmarks.sets import Passage

KEY = "benchmark-key-of-32-characters-00"
MODEL = "all-MiniLM-L6-v2"
DEFAULT_MODEL = Path(__file__).resolve().parents[1] / "data" / "models" / MODEL


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process has used so far."""

    cpu_s: float  # user and system, all threads
    rss_mb: float


def footprint(pid: int) -> Footprint:
    """CPU time and resident memory of a process (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = os.sysconf("SC_CLK_TCK")
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Footprint(
        (int(fields[11]) + int(fields[12])) / ticks, pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    )


class Service:
    """A running `anabranch serve` with its own data directory."""

    def __init__(
        self, model: Path, folder: Path, environment: dict[str, str] | None = None
    ) -> None:
        self.model, self.folder = model, folder
        self.environment = environment or {}
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=120,
        )

    def start(self) -> float:
        """Start the process and wait until it is ready; seconds it took."""
        models = self.folder / "models"
        models.mkdir(parents=True, exist_ok=True)
        if not (models / MODEL).exists():
            (models / MODEL).symlink_to(self.model.resolve())
        settings = {
            "ANABRANCH_DATA_DIR": str(self.folder),
            "ANABRANCH_API_KEYS": KEY,
            **self.environment,
        }
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("ANABRANCH_")}
        began = time.monotonic()
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve", "--port", str(self.port)],
                env={**inherited, **settings},
                stdout=log,
                stderr=log,
            )
        while time.monotonic() - began < 120:
            if self.process.poll() is not None:
                break
            try:
                if self.client.get("/readyz").status_code == 200:
                    return time.monotonic() - began
            except httpx.TransportError:
                time.sleep(0.02)
        said = (self.folder / "server.log").read_text()
        raise RuntimeError(f"the service did not start:\n{said[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the process; its exit status."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(70)

    @property
    def pid(self) -> int:
        """The running process."""
        assert self.process is not None
        return self.process.pid

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One request; the decoded body. Raises on an error status, with the problem's text."""
        answer = self.client.request(method, path, **options)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def ingest(self, collection: str, passages: Sequence[Passage], titles: bool = True) -> float:
        """Post passages in batches of 1,000 and wait until all are searchable; seconds."""
        if collection != "default":
            self.call("POST", "/v1/collections", json={"name": collection})
        began = time.monotonic()
        jobs = []
        for first in range(0, len(passages), 1000):
            documents = [
                {"id": p.id, "title": p.title if titles else "", "text": p.text}
                for p in passages[first : first + 1000]
            ]
            path = f"/v1/collections/{collection}/documents"
            jobs.append(self.call("POST", path, json={"documents": documents})["job"]["id"])
        for job in jobs:
            self.finish(job)
        return time.monotonic() - began

    def provide(self, collection: str, passages: Sequence[Passage], titles: bool = True) -> None:
        """Ingest a collection that the folder does not have yet."""
        if collection not in self._collections():
            seconds = self.ingest(collection, passages, titles)
            print(f"{collection}: ingested in {seconds:.0f} s", flush=True)

    def _collections(self) -> set[str]:
        rows = self.call("GET", "/v1/collections?limit=200")["data"]
        return {row["name"] for row in rows}

    def finish(self, job_id: str, pause_s: float = 0.05) -> dict[str, Any]:
        """Wait for a job; it must succeed."""
        while True:
            job: dict[str, Any] = self.call("GET", f"/v1/jobs/{job_id}")
            if job["status"] not in ("queued", "running"):
                break
            time.sleep(pause_s)
        if job["status"] != "succeeded":
            raise RuntimeError(f"job ended {job['status']}: {job['error']}")
        return job

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        self.client.close()


@contextmanager
def scratch_folder(keep: Path | None = None) -> Iterator[Path]:
    """`keep`, or a temporary folder that is removed afterwards."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    folder = Path(tempfile.mkdtemp(prefix="anabranch-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
