"""Puts the same questions to several contestants and times them."""

from __future__ import annotations

import http.client
import json
import os
import random
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.service import KEY, footprint


class Caller:
    """Keep-alive JSON POSTs with as little client work as possible; one connection per thread."""

    def __init__(self, port: int, path: str, extra: dict[str, Any]) -> None:
        self.port, self.path, self.extra = port, path, extra
        self.local = threading.local()

    def __call__(self, question: str) -> float:
        """Milliseconds for one question; raises unless the status is 200."""
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = json.dumps({"query": question, "top_k": 10, **self.extra})
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
        began = time.perf_counter()
        self.local.connection.request("POST", self.path, body, headers)
        answer = self.local.connection.getresponse()
        payload = answer.read()
        took = 1000 * (time.perf_counter() - began)
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {payload[:300]!r}")
        return took


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def at_once(call: Callable[[str], float], asked: Sequence[str], clients: int) -> dict[str, float]:
    """All questions over `clients` threads: p50 and p95 in ms, requests per second."""
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        took = list(pool.map(call, asked))
    seconds = time.perf_counter() - began
    return {
        "p50_ms": statistics.median(took),
        "p95_ms": quantile(took, 0.95),
        "req_s": len(took) / seconds,
    }


def interleaved(
    contestants: dict[str, tuple[Callable[[str], Any], int]], asked: Sequence[str], seed: int
) -> dict[str, dict[str, float]]:
    """Each question to every contestant, in random order; wall p50/p95 and CPU ms per request."""
    order = random.Random(seed)
    took: dict[str, list[float]] = {name: [] for name in contestants}
    used = dict.fromkeys(contestants, 0.0)
    for question in asked:
        for name in order.sample(list(contestants), len(contestants)):
            call, pid = contestants[name]
            before = footprint(pid).cpu_s if pid != os.getpid() else time.process_time()
            began = time.perf_counter()
            call(question)
            took[name].append(1000 * (time.perf_counter() - began))
            after = footprint(pid).cpu_s if pid != os.getpid() else time.process_time()
            used[name] += after - before
    return {
        name: {
            "p50_ms": statistics.median(values),
            "p95_ms": quantile(values, 0.95),
            "cpu_ms": 1000 * used[name] / len(values),
        }
        for name, values in took.items()
    }


def under_load(
    contestants: dict[str, tuple[Callable[[str], float], int]],
    asked: Sequence[str],
    clients: int,
    rounds: int,
) -> dict[str, dict[str, float]]:
    """Rounds of all questions with many clients, contestants in turn; medians over the rounds."""
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in contestants}
    for number in range(rounds):
        # Fresh wordings, so that no cache of one round serves the next.
        batch = [f"{question} ({number + 1})" for question in asked]
        for name, (call, pid) in contestants.items():
            before = footprint(pid).cpu_s
            row = at_once(call, batch, clients)
            row["cpu_ms"] = 1000 * (footprint(pid).cpu_s - before) / len(batch)
            seen[name].append(row)
    return {
        name: {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        for name, rows in seen.items()
    }
