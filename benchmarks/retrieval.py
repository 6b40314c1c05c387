"""Retrieval quality on public question sets, through `POST /search` of a running service.

Each corpus is ingested into a fresh service started from this checkout; every question is sent
once. R@k is the mean share of a question's gold passages among the first k documents; all@5 the
share of questions with every gold passage among the first 5.

    python -m benchmarks.retrieval --model data/models/all-MiniLM-L6-v2
    python -m benchmarks.retrieval --sets musique --strategies auto single multihop
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from benchmarks import options, report
from benchmarks.service import Service, scratch_folder
from benchmarks.sets import Question, corpus, questions

SETS = ("musique", "hotpotqa", "2wikimultihopqa", "qed_nq", "xquad_en", "cacm")
UNTITLED = ("2wikimultihopqa", "hotpotqa")
DEPTH = 20  # so that ten distinct documents remain when a long one shows with several chunks


def documents_of(results: Sequence[dict[str, Any]]) -> list[str]:
    """Document ids in rank order, each once; rows of SQL sources left out."""
    return list(dict.fromkeys(hit["document_id"] for hit in results if hit["document_id"]))


def scores(ranked: Sequence[str], gold: frozenset[str]) -> dict[str, float]:
    """Recall@2/5/10, all-gold@5 and nDCG@10 of one ranking."""
    gains = [1 / math.log2(rank + 1) for rank, name in enumerate(ranked[:10], 1) if name in gold]
    ideal = [1 / math.log2(rank + 1) for rank in range(1, min(len(gold), 10) + 1)]
    return {
        **{f"R@{k}": 100 * len(gold & set(ranked[:k])) / len(gold) for k in (2, 5, 10)},
        "all@5": 100.0 * (gold <= set(ranked[:5])),
        "nDCG@10": sum(gains) / sum(ideal),
    }


def run(
    service: Service, collection: str, asked: Sequence[Question], strategy: str
) -> dict[str, Any]:
    """Ask every question; means over all and by question type."""
    by_kind: dict[str, list[dict[str, float]]] = defaultdict(list)
    chosen: dict[str, int] = defaultdict(int)
    for question in asked:
        body = {"query": question.text, "top_k": DEPTH, "strategy": strategy}
        answer = service.call("POST", f"/v1/collections/{collection}/search", json=body)
        if answer["degraded"]:
            raise RuntimeError(f"degraded: {answer['degraded']}")
        chosen[answer["strategy"]] += 1
        by_kind[question.kind].append(scores(documents_of(answer["results"]), question.gold))
    everything = [row for rows in by_kind.values() for row in rows]
    return {
        "questions": len(everything),
        "mean": _mean(everything),
        "by_type": {kind: _mean(rows) for kind, rows in sorted(by_kind.items())},
        "strategies": dict(chosen),
    }


def _mean(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: round(sum(row[name] for row in rows) / len(rows), 3) for name in rows[0]}


def main() -> None:
    """Ingest, ask, print and write."""
    parser = options.sets(__doc__, SETS)
    parser.add_argument("--strategies", nargs="+", default=["auto", "single", "multihop"])
    parser.add_argument("--no-untitled", action="store_true", help="skip the runs without titles")
    args = parser.parse_args()
    plan = [(name, True) for name in args.sets]
    if not args.no_untitled:
        plan += [(name, False) for name in UNTITLED if name in args.sets]
    found: dict[str, Any] = {}
    with scratch_folder(args.folder) as folder, Service(args.model, folder) as service:
        for name, titles in plan:
            collection = f"{name}{'' if titles else '-untitled'}"
            service.provide(collection, corpus(args.data, name), titles)
            asked = questions(args.data, name)
            for strategy in args.strategies:
                result = run(service, collection, asked, strategy)
                found.setdefault(collection, {})[strategy] = result
                print(f"{collection} {strategy}: {result['mean']}", flush=True)
    names = ("R@2", "R@5", "R@10", "all@5", "nDCG@10")
    report.table(
        ("set", "strategy", "questions", *names),
        [
            (collection, strategy, result["questions"], *(result["mean"][n] for n in names))
            for collection, runs in found.items()
            for strategy, result in runs.items()
        ],
    )
    report.write("retrieval", {"sets": found})


if __name__ == "__main__":
    main()
