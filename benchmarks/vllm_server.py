"""Starts `vllm serve` on loopback in an environment that has vLLM, and ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.service import footprint, free_port

ROOT = Path(__file__).resolve().parents[1]
NAME = "tiny"
PYTHON = os.environ.get("ANABRANCH_TEST_VLLM_PYTHON", sys.executable)
"""The interpreter of that environment, if it is not this one."""
CPU = {
    "OMP_NUM_THREADS": "1",  # several wait for each other where others use the cores, too
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}
_ALWAYS = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
_START_S = 300.0
_TAIL = 200  # lines


class NotStarted(AssertionError):
    """The server ended, or did not answer in time; the text is the end of its log."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers: its base address, where it logs, its process group."""

    url: str
    log: Path
    group: int

    def said(self) -> str:
        """What it logged up to now."""
        return self.log.read_text(errors="replace")

    def metrics(self) -> str:
        """What it counted."""
        return httpx.get(f"{self.url}/metrics", timeout=30).text

    def memory_mb(self) -> float:
        """Resident memory of its processes together; what they share counts in each."""
        return sum(footprint(pid).rss_mb for pid in self._pids())

    def cpu_s(self) -> float:
        """CPU time of its processes together."""
        return sum(footprint(pid).cpu_s for pid in self._pids())

    def has_plugin(self) -> bool:
        """Whether it answers a probe of layer-fused decoding as only the plugin does.

        With either token: weights that vLLM draws are too small for the plugin's self-check.
        """
        body = {
            "model": NAME,
            "prompt": [12, 13],
            "max_tokens": 1,
            "temperature": 0,
            "detokenize": False,
            "return_token_ids": True,
            "vllm_xargs": {"lfd": 1, "lfd_probe": [10, 11]},
        }
        answer = httpx.post(f"{self.url}/v1/completions", json=body, timeout=120)
        said = answer.raise_for_status().json()["choices"][0]["token_ids"]
        return said in ([10], [11])

    def _pids(self) -> list[int]:
        pids = (int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit())
        return [pid for pid in pids if _group(pid) == self.group]


@contextmanager
def serving(
    model: Path,
    log: Path,
    flags: Sequence[str],
    environment: Mapping[str, str],
    paths: Sequence[Path] = (),
) -> Iterator[Running]:
    """Serve a model as `NAME` while the block runs.

    Args:
        paths: Where its Python finds more than is installed in its environment: the plugin.

    Raises:
        NotStarted: It refused to.
    """
    port = free_port()
    command = (
        # The CPU build has no distribution called vllm, without which `vllm serve` does not run.
        *(PYTHON, "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(model), "--served-model-name", NAME),
        *("--host", "127.0.0.1", "--port", str(port)),
        *flags,
    )
    cache = {"VLLM_CACHE_ROOT": str(log.with_suffix(".cache"))}
    env = {
        **os.environ,
        **_ALWAYS,
        **cache,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        **environment,
    }
    with log.open("wb") as out:
        # In the folder of its log: at the project's root, its packages would be found uninstalled.
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env=env, cwd=log.parent, start_new_session=True
        )
    running = Running(f"http://127.0.0.1:{port}", log, process.pid)
    try:
        _wait(process, running)
        yield running
    finally:
        _end(process)


def installed(folder: Path) -> Path:
    """Install the project as its users do beside vLLM, without what it needs as a service."""
    command = (
        *(PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
        *("--no-build-isolation", "--target", str(folder), str(ROOT)),
    )
    subprocess.run(command, check=True)
    return folder


def _wait(process: subprocess.Popen[bytes], running: Running) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{running.url}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)  # it has no other way to say that it is ready
    raise NotStarted("\n".join(running.said().splitlines()[-_TAIL:]))


def _end(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(30)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1
