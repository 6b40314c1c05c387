"""A vLLM server of a test's own, on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
NAME = "tiny"
_START_S = 300.0
_FLAGS = (
    *("--dtype", "float32", "--max-model-len", "1024", "--max-num-seqs", "16"),
    *("--logprobs-mode", "processed_logprobs", "--generation-config", "vllm"),
    *("--structured-outputs-config.backend", "guidance"),
    # Random models would go on with white space for ever.
    "--structured-outputs-config.disable_any_whitespace",
)
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "2",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_NO_USAGE_STATS": "1",
}


@dataclass(frozen=True)
class Server:
    """A running server: its base address, and where it logs."""

    url: str
    log: Path

    def post(self, path: str, **body: Any) -> httpx.Response:
        """Ask it; the caller looks at the status."""
        return httpx.post(f"{self.url}/v1/{path}", json={"model": NAME, **body}, timeout=120)

    def complete(self, prompt: Any, **body: Any) -> dict[str, Any]:
        """A greedy completion."""
        given = {"prompt": prompt, "temperature": 0, "return_token_ids": True, **body}
        response = self.post("completions", **given)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def metrics(self) -> str:
        """What it counted."""
        return httpx.get(f"{self.url}/metrics", timeout=30).text

    def said(self) -> str:
        """What it logged up to now."""
        return self.log.read_text(errors="replace")


class NotStarted(AssertionError):
    """The server ended, or did not answer in time; the text is the end of its log."""


@contextmanager
def served(
    model: Path,
    log: Path,
    *flags: str,
    plugin: Path | None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Serve a model while the block runs.

    Args:
        plugin: Where the project is installed; None serves without it.

    Raises:
        NotStarted: It refused to.
    """
    port = _free_port()
    command: Sequence[str] = (
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(model), "--served-model-name", NAME),
        *("--host", "127.0.0.1", "--port", str(port)),
        *_FLAGS,
        *flags,
    )
    # Not below the project's root, from where its packages would be found without an installation.
    env = {**os.environ, **_ENVIRONMENT, "PYTHONPATH": str(plugin or ""), **(environment or {})}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env=env, cwd=log.parent, start_new_session=True
        )
    server = Server(f"http://127.0.0.1:{port}", log)
    try:
        _wait(process, server)
        yield server
    finally:
        _end(process)


def installed(folder: Path) -> Path:
    """Install the project as its users do beside vLLM, without what it needs as a service."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--target", str(folder), str(ROOT)),
        ],
        check=True,
    )
    return folder


def _wait(process: subprocess.Popen[bytes], server: Server) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise NotStarted(_tail(server))
        try:
            if httpx.get(f"{server.url}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)  # it has no other way to say that it is ready
    raise NotStarted(_tail(server))


def _tail(server: Server) -> str:
    return "\n".join(server.said().splitlines()[-200:])


def _end(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            return
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            continue


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
