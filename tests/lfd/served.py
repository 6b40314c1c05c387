"""A vLLM server of a test's own, with a tiny model on the CPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.vllm_server import CPU, NAME, NotStarted, Running, installed, serving

__all__ = ["NAME", "NotStarted", "Server", "installed", "served"]

_FLAGS = (
    *("--dtype", "float32", "--max-num-seqs", "16"),
    *("--logprobs-mode", "processed_logprobs", "--generation-config", "vllm"),
    *("--structured-outputs-config.backend", "guidance"),
    # Random models would go on with white space for ever.
    *("--structured-outputs-config.disable_any_whitespace", "true"),
)
_INTERPRETED = Path(__file__).parent / "interpreted"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server that is easy to ask."""

    running: Running

    @property
    def url(self) -> str:
        """Base address, without the API's version."""
        return self.running.url

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

    def said(self) -> str:
        """What it logged up to now."""
        return self.running.said()

    def metrics(self) -> str:
        """What it counted."""
        return self.running.metrics()


@contextmanager
def served(
    model: Path,
    log: Path,
    *flags: str,
    plugin: Path | None,
    environment: Mapping[str, str] | None = None,
    longest: int = 1_024,
    second: bool = False,
) -> Iterator[Server]:
    """Serve a model while the block runs.

    Args:
        plugin: Where the project is installed; None serves without it.
        longest: Tokens of prompt and reply.
        second: By vLLM's second model runner, whose kernels are interpreted.

    Raises:
        NotStarted: It refused to.
    """
    given = (*_FLAGS, "--max-model-len", str(longest), *flags)
    env = {**CPU, **(environment or {})}
    if second:
        env |= {"VLLM_USE_V2_MODEL_RUNNER": "1"}
    paths = [*([plugin] if plugin else []), *([_INTERPRETED] if second else [])]
    with serving(model, log, given, env, paths) as running:
        yield Server(running)
