"""What layer-fused decoding costs a vLLM server: tokens per second, time to first token, memory.

Two servers of one random model run side by side, one without the plugin and one with it; the modes
take turns on them, in random order in each repetition, so that a disturbed machine disturbs all of
them. Ratios are to the server without the plugin, repetition by repetition.

  no plugin    the server without it
  off          the plugin is loaded, no request asks
  exact        the layer is chosen at every token
  every 4, 16  chosen at every n-th token, kept in between
  once         chosen at the first token
  fixed        never chosen: the cheapest that LFD can be

Needs an environment that has vLLM: this one, or the interpreter named by
ANABRANCH_TEST_VLLM_PYTHON. The weights are random, so the figures say nothing about quality
(benchmarks.lfd_copy does). On a GPU: --shape 7b --device cuda.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks import report
from benchmarks.timing import quantile
from benchmarks.vllm_server import CPU, NAME, Running, installed, serving

SHAPES: Mapping[str, Mapping[str, int]] = {
    # Projecting the candidates costs about as much beside the rest as it does in a model of 7B.
    "small": {
        "hidden_size": 512,
        "intermediate_size": 1_536,
        "num_hidden_layers": 12,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "vocab_size": 16_384,
    },
    "7b": {
        "hidden_size": 3_584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152_064,
    },
}
PLAIN = "no plugin"
MODES: Mapping[str, Mapping[str, Any]] = {
    PLAIN: {},
    "off": {},
    "exact": {"lfd": 1},
    "every 4": {"lfd": 1, "lfd_every": 4},
    "every 16": {"lfd": 1, "lfd_every": 16},
    "once": {"lfd": 1, "lfd_every": "once"},
    "fixed": {"lfd": 1, "lfd_layer": 1_000},
}


@dataclass(frozen=True, slots=True)
class Work:
    """What one measurement asks for."""

    prompt: int  # tokens
    reply: int  # tokens
    vocabulary: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One measurement: tokens of replies per second, median ms to the first, CPU ms per token."""

    tokens_s: float
    first_ms: float
    cpu_ms: float


async def _ask(
    client: httpx.AsyncClient, running: Running, mode: str, work: Work, reply: int, seed: int
) -> float:
    """Seconds for one request of random tokens."""
    draw = random.Random(seed)
    body = {
        "model": NAME,
        "prompt": [draw.randrange(10, work.vocabulary) for _ in range(work.prompt)],
        "max_tokens": reply,
        "temperature": 0,
        "ignore_eos": True,
        "detokenize": False,
        **({"vllm_xargs": dict(MODES[mode])} if MODES[mode] else {}),
    }
    began = time.perf_counter()
    response = await client.post(f"{running.url}/v1/completions", json=body)
    if response.status_code != 200:
        raise RuntimeError(f"{mode}: {response.status_code} {response.text[:300]}")
    said = response.json()["usage"]["completion_tokens"]
    if said != reply:
        raise RuntimeError(f"{mode}: {said} tokens instead of {reply}")
    return time.perf_counter() - began


async def measure(running: Running, mode: str, clients: int, work: Work, seed: int) -> Seen:
    """`clients` requests at once: first for one token each, then for whole replies."""
    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(timeout=600, limits=limits) as client:

        async def all_at_once(reply: int, number: int) -> list[float]:
            asked = (
                _ask(client, running, mode, work, reply, 1_000 * seed + 100 * number + each)
                for each in range(clients)
            )
            return list(await asyncio.gather(*asked))

        first = await all_at_once(1, 0)
        used, began = running.cpu_s(), time.perf_counter()
        await all_at_once(work.reply, 1)
        seconds, tokens = time.perf_counter() - began, clients * work.reply
    cpu_ms = 1000 * (running.cpu_s() - used) / tokens
    return Seen(tokens / seconds, 1000 * statistics.median(first), cpu_ms)


def compare(
    servers: Mapping[str, Running],
    modes: Sequence[str],
    concurrency: Sequence[int],
    repeats: int,
    work: Work,
) -> list[dict[str, Any]]:
    """One row for each mode and number of clients."""
    draw, seen = random.Random(1), dict[tuple[str, int], list[Seen]]()
    for repeat in range(-1, repeats):  # the first round warms up
        for clients in concurrency:
            for mode in draw.sample(list(modes), len(modes)):
                told = f"\rround {repeat + 1} of {repeats}, {clients} clients, {mode}"
                print(told.ljust(70), end="", file=sys.stderr, flush=True)
                running = servers[PLAIN if mode == PLAIN else "plugin"]
                found = asyncio.run(measure(running, mode, clients, work, repeat + 1))
                if repeat >= 0:
                    seen.setdefault((mode, clients), []).append(found)
    print(file=sys.stderr)
    return [
        _row(mode, clients, seen[mode, clients], seen[PLAIN, clients])
        for clients in concurrency
        for mode in modes
    ]


def _row(mode: str, clients: int, seen: Sequence[Seen], plain: Sequence[Seen]) -> dict[str, Any]:
    speed = [a.tokens_s / b.tokens_s for a, b in zip(seen, plain, strict=True)]
    first = [a.first_ms / b.first_ms for a, b in zip(seen, plain, strict=True)]
    cpu = [a.cpu_ms / b.cpu_ms for a, b in zip(seen, plain, strict=True)]
    return {
        "mode": mode,
        "clients": clients,
        "tokens_s": statistics.median(one.tokens_s for one in seen),
        "tokens_s_ratio": statistics.median(speed),
        "tokens_s_ratio_range": [quantile(speed, 0), quantile(speed, 1)],
        "first_ms": statistics.median(one.first_ms for one in seen),
        "first_ratio": statistics.median(first),
        "first_ratio_range": [quantile(first, 0), quantile(first, 1)],
        "cpu_ms_token": statistics.median(one.cpu_ms for one in seen),
        "cpu_ratio": statistics.median(cpu),
    }


def model(folder: Path, shape: Mapping[str, int]) -> Path:
    """A configuration without weights; vLLM draws them at the start."""
    told = {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "hidden_act": "silu",
        "max_position_embeddings": 16_384,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10_000.0,
        "tie_word_embeddings": False,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "torch_dtype": "bfloat16",
        **shape,
    }
    (folder / "config.json").write_text(json.dumps(told))
    return folder


def _gpu_mb() -> str | None:
    """What the device's tool says of memory in use; None without one."""
    if shutil.which("nvidia-smi") is None:
        return None
    command = ("nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", default="small", choices=SHAPES)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--concurrency", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=128, help="tokens")
    parser.add_argument("--reply", type=int, default=48, help="tokens")
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=MODES)
    parser.add_argument("--eager", action="store_true", help="without compiling")
    parser.add_argument("--flag", action="append", default=[], help="another one for both servers")
    parser.add_argument("--memory", default="0.42", help="share of the GPU for each server")
    return parser.parse_args()


def main() -> None:
    """Serve, measure, print, write."""
    chosen = _arguments()
    shape, cpu = SHAPES[chosen.shape], chosen.device == "cpu"
    modes = [PLAIN, *(mode for mode in chosen.modes if mode != PLAIN)]
    flags = (
        *("--load-format", "dummy", "--skip-tokenizer-init", "--max-model-len", "9216"),
        *("--max-num-seqs", str(max(chosen.concurrency)), "--no-enable-prefix-caching"),
        *("--dtype", "float32" if cpu else "bfloat16", "--generation-config", "vllm"),
        *(() if cpu else ("--gpu-memory-utilization", chosen.memory)),
        *(("--enforce-eager",) if chosen.eager else ()),
        *chosen.flag,
    )
    environment = {**CPU, "VLLM_CPU_KVCACHE_SPACE": "2"} if cpu else {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        weights, plugin = model(folder, shape), installed(folder / "plugin")
        print("starting two servers, which takes minutes", file=sys.stderr)
        with (
            serving(weights, folder / "plain.log", flags, environment) as plain,
            serving(weights, folder / "plugin.log", flags, environment, [plugin]) as fused,
        ):
            servers = {PLAIN: plain, "plugin": fused}
            if plain.has_plugin() or not fused.has_plugin():
                raise SystemExit("anabranch is installed in this environment: uninstall it first")
            started = {name: running.memory_mb() for name, running in servers.items()}
            work = Work(chosen.prompt, chosen.reply, shape["vocab_size"])
            rows = compare(servers, modes, chosen.concurrency, chosen.repeats, work)
            memory = {
                name: {"started_mb": started[name], "after_mb": running.memory_mb()}
                for name, running in servers.items()
            }
            on_device = _gpu_mb()
    header = (
        "clients",
        "mode",
        "tokens/s",
        "ratio",
        "from",
        "to",
        "first ms",
        "ratio",
        "CPU ratio",
    )
    report.table(
        header,
        [
            (
                *(row["clients"], row["mode"], row["tokens_s"], row["tokens_s_ratio"]),
                *(*row["tokens_s_ratio_range"], row["first_ms"], row["first_ratio"]),
                row["cpu_ratio"],
            )
            for row in rows
        ],
    )
    report.table(
        ("server", "MB started", "MB after"),
        [(name, one["started_mb"], one["after_mb"]) for name, one in memory.items()],
    )
    result = {
        "shape": {"name": chosen.shape, **shape},
        "prompt_tokens": chosen.prompt,
        "reply_tokens": chosen.reply,
        "repeats": chosen.repeats,
        "rows": rows,
        "memory": memory,
        "nvidia_smi": on_device,
    }
    report.write("lfd", result)


if __name__ == "__main__":
    main()
