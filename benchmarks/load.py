"""Speed of `POST /search` and of ingestion, beside the bare yardstick in the same run.

10,000 passages and real questions. Contestants answer the same questions in turn; the figures to
quote are ratios and CPU times, since client and server share the machine's cores.

    python -m benchmarks.load --model data/models/all-MiniLM-L6-v2
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from benchmarks import options, report
from benchmarks.bare import Bare, load
from benchmarks.service import Service, footprint, free_port, scratch_folder
from benchmarks.sets import Passage, corpus, questions
from benchmarks.timing import Caller, interleaved, quantile, under_load

PASSAGES = 10_000
PATH = "/v1/collections/default/search"


def raw_encoder(model: Path, passages: Sequence[Passage]) -> float:
    """Passages per second of the encoder alone, in a process of its own, all cores."""
    code = (
        "import asyncio, json, sys, time\n"
        "from pathlib import Path\n"
        "from retrievers.embedders.onnx import OnnxEmbedder\n"
        "texts = json.load(sys.stdin)\n"
        "async def main():\n"
        "    encoder = OnnxEmbedder(Path(sys.argv[1])); await encoder.open()\n"
        "    await encoder.passages(texts[:64]); began = time.perf_counter()\n"
        "    for first in range(0, len(texts), 512):\n"
        "        await encoder.passages(texts[first:first + 512])\n"
        "    print(len(texts) / (time.perf_counter() - began))\n"
        "asyncio.run(main())\n"
    )
    texts = json.dumps([f"{p.title}\n{p.text}" for p in passages])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(model)],
        input=texts.encode(),
        capture_output=True,
        check=True,
        env=environment,
    )
    return float(done.stdout)


def visible_and_gone(service: Service, count: int) -> dict[str, float]:
    """Milliseconds from adding one document until it is found, and from deleting until gone."""
    shown, gone = [], []
    for number in range(count):
        word = f"quillonberg{number:04d}"
        body = {"documents": [{"id": f"probe-{number}", "text": f"The {word} stands by the weir."}]}
        began = time.perf_counter()
        job = service.call("POST", "/v1/collections/default/documents?wait=30", json=body)["job"]
        if job["status"] != "succeeded":
            raise RuntimeError(f"{job}")
        shown.append(1000 * (time.perf_counter() - began))
        for retriever in ("vector", "fulltext"):
            found = service.call("POST", PATH, json={"query": word, "retrievers": [retriever]})
            if f"probe-{number}" not in {hit["document_id"] for hit in found["results"]}:
                raise RuntimeError(f"{retriever} does not find a document whose job succeeded")
        began = time.perf_counter()
        service.call("DELETE", f"/v1/collections/default/documents/probe-{number}")
        gone.append(1000 * (time.perf_counter() - began))
        found = service.call("POST", PATH, json={"query": word})
        if f"probe-{number}" in {hit["document_id"] for hit in found["results"]}:
            raise RuntimeError("a deleted document was found")
    return {
        "add_until_visible_p50_ms": statistics.median(shown),
        "add_until_visible_p95_ms": quantile(shown, 0.95),
        "delete_until_gone_p50_ms": statistics.median(gone),
    }


def during_ingest(service: Service, asked: Sequence[str], extra: Sequence[Passage]) -> Any:
    """Search latency while a second collection is filled, against the same client when idle."""
    call = Caller(service.port, PATH, {"strategy": "single"})

    def paced(when: str, stop: Callable[[], bool]) -> list[float]:
        took = []
        for question in asked:
            if stop():
                break
            # Another wording, so that the second pass is not served from the first one's cache.
            took.append(call(f"{question} ({when})"))
            time.sleep(0.05)  # 20 searches a second at most: a load, not a stress test
        return took

    idle = paced("idle", lambda: False)
    documents = [{"id": f"bulk-{p.id}", "title": p.title, "text": p.text} for p in extra]
    jobs = []
    service.call("POST", "/v1/collections", json={"name": "bulk"})
    for first in range(0, len(documents), 1000):
        body = {"documents": documents[first : first + 1000]}
        jobs.append(service.call("POST", "/v1/collections/bulk/documents", json=body)["job"]["id"])

    def finished() -> bool:
        state: str = service.call("GET", f"/v1/jobs/{jobs[-1]}")["status"]
        return state not in ("queued", "running")

    busy = paced("busy", finished)
    if len(busy) < 50:
        raise RuntimeError("the bulk ingest ended before 50 searches were timed")
    for job in jobs:
        service.finish(job)
    return {
        "idle_p50_ms": statistics.median(idle),
        "idle_p95_ms": quantile(idle, 0.95),
        "busy_p50_ms": statistics.median(busy),
        "busy_p95_ms": quantile(busy, 0.95),
        "busy_searches": len(busy),
        "p95_ratio": quantile(busy, 0.95) / quantile(idle, 0.95),
    }


def bare_server(folder: Path, model: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The yardstick behind HTTP, ready."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bare", "--port", str(port)]
    command += ["--corpus", str(folder / "corpus.jsonl"), "--model", str(model)]
    process = subprocess.Popen([*command, "--vectors", str(folder / "bare.npy")])
    for _ in range(600):
        try:
            httpx.get(f"http://127.0.0.1:{port}/openapi.json")
            return process, port
        except httpx.TransportError:
            time.sleep(0.1)
    process.terminate()
    raise RuntimeError("the bare server did not start")


def main() -> None:
    """Measure, print and write."""
    parser = options.inputs(__doc__)
    parser.add_argument("--passages", type=int, default=PASSAGES)
    parser.add_argument("--queries", type=int, default=300, help="at c=1, per contestant")
    parser.add_argument("--rounds", type=int, default=3, help="at c=16")
    parser.add_argument("--bulk", type=int, default=2000, help="passages of the bulk ingest")
    parser.add_argument("--folder", type=Path, help="keep the data here and reuse it")
    args = parser.parse_args()
    pool = corpus(args.data, "musique") + corpus(args.data, "hotpotqa")
    passages, extra = pool[: args.passages], pool[args.passages :][: args.bulk]
    asked = [q.text for name in ("musique", "hotpotqa", "2wikimultihopqa")
             for q in questions(args.data, name)]  # fmt: skip
    random.Random(1).shuffle(asked)
    result: dict[str, Any] = {"passages": len(passages)}
    with scratch_folder(args.folder) as folder:
        (folder / "corpus.jsonl").write_text(
            "".join(
                json.dumps({"id": p.id, "title": p.title, "text": p.text}) + "\n" for p in passages
            ),
            encoding="utf-8",
        )
        filler = Service(args.model, folder / "service")
        with filler:
            count = filler.call("GET", "/v1/collections/default/stats")["documents"]
            if count < len(passages):
                encoder = raw_encoder(args.model, passages[:2000])
                seconds = filler.ingest("default", passages)
                result["ingest"] = {
                    "passages_s": len(passages) / seconds,
                    "encoder_passages_s": encoder,
                    "ratio": len(passages) / seconds / encoder,
                    "rss_mb_after": footprint(filler.pid).rss_mb,
                }
                report.table(("ingest", "value"), list(result["ingest"].items()))
        service = Service(args.model, folder / "service")
        result["cold_start_s"] = service.start()
        report.table(("cold start", "s"), [("to ready", result["cold_start_s"])])
        bare: Bare = load(folder / "corpus.jsonl", args.model, folder / "bare.npy")
        yardstick, port = bare_server(folder, args.model)
        try:
            result |= measure(service, bare, yardstick.pid, port, asked, args)
            result["bulk"] = during_ingest(service, asked[:200], extra)
            report.table(("search during bulk ingest", "value"), list(result["bulk"].items()))
        finally:
            yardstick.terminate()
            yardstick.wait(10)
            result["exit_status"] = service.stop()
    report.write("load", result)


def measure(
    service: Service, bare: Bare, bare_pid: int, port: int, asked: Sequence[str], args: Any
) -> dict[str, Any]:
    """Latency, throughput, memory and visibility of a service that holds the corpus."""
    single = Caller(service.port, PATH, {"strategy": "single"})
    auto = Caller(service.port, PATH, {"strategy": "auto"})
    over_http = Caller(port, "/search", {})
    warm, timed = asked[:40], asked[40 : 40 + args.queries]
    for question in warm:
        single(question), auto(question), over_http(question), bare.search(question)
    one = interleaved(
        {
            "bare, in process": (bare.search, os.getpid()),
            "bare, HTTP": (over_http, bare_pid),
            "single": (single, service.pid),
        },
        timed,
        seed=7,
    )
    # Apart from the others: `single` would have left its query vector in the cache.
    later = [f"{question} (auto)" for question in timed]
    one |= interleaved({"auto": (auto, service.pid)}, later, seed=7)
    many = under_load(
        {
            "bare, HTTP": (over_http, bare_pid),
            "single": (single, service.pid),
            "auto": (auto, service.pid),
        },
        timed,
        clients=16,
        rounds=args.rounds,
    )
    memory = {"service": footprint(service.pid).rss_mb, "bare, HTTP": footprint(bare_pid).rss_mb}
    ratios = {
        "c1 p50 single / bare in process": one["single"]["p50_ms"]
        / one["bare, in process"]["p50_ms"],
        "c16 CPU single / bare HTTP": many["single"]["cpu_ms"] / many["bare, HTTP"]["cpu_ms"],
        "c16 req/s single / bare HTTP": many["single"]["req_s"] / many["bare, HTTP"]["req_s"],
    }
    for title, rows in (("c=1", one), ("c=16", many)):
        keys = list(next(iter(rows.values())))
        report.table((title, *keys), [(n, *(row[k] for k in keys)) for n, row in rows.items()])
    report.table(("ratio", "value"), list(ratios.items()))
    report.table(("RSS", "MiB"), list(memory.items()))
    visible = visible_and_gone(service, 30)
    report.table(("visibility", "ms"), list(visible.items()))
    return {"c1": one, "c16": many, "ratios": ratios, "rss_mb": memory, "visibility": visible}


if __name__ == "__main__":
    main()
