"""What each way of reasoning finds, and what it costs, through `POST /ask` of a running service.

direct, auto, lag  without a language model
gold               `lag` with the gold plan and gold answers of a scripted model server: a node is
                   answered when a passage shown holds its answer
always             the same, answered whatever is shown; what the engine believes is its own affair
recalled           as gold, but the next query of a node names its answer

R@5 and all@5 count the documents of the answer's `evidence`, in its order. Queries are texts put to
the channels, times those the service reports. The scripted ways need gold sub-questions, which
only musique has, and say where the passages went that are not among the first five. R@5 first is
what R@5 would be if the passages that answered nodes came before all others. Every way has a
service started for it: a question that was asked before costs less.

    python -m benchmarks.reasoning --model data/models/all-MiniLM-L6-v2
    python -m benchmarks.reasoning --sets musique --reasoning gold always
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean, median
from typing import Any

from benchmarks import options, report, scripted
from benchmarks.answers import undegraded
from benchmarks.gold import Gold, golds
from benchmarks.retrieval import documents_of
from benchmarks.scripted import Manner, Read, Scripted
from benchmarks.service import Service, scratch_folder
from benchmarks.sets import Question, corpus, questions
from benchmarks.timing import quantile

SETS = ("musique", "hotpotqa", "2wikimultihopqa", "qed_nq", "xquad_en")
SINGLE_HOP = ("qed_nq", "xquad_en")
BY_RULES = ("direct", "auto", "lag")
SCRIPTED: tuple[Manner, ...] = ("gold", "always", "recalled")


@dataclass(frozen=True, slots=True)
class Given:
    """What came of one question."""

    documents: tuple[str, ...]  # in the order of the evidence
    gold: frozenset[str]
    status: str
    planned: bool
    queries: int
    calls: int
    took_ms: float
    limited: tuple[str, ...]  # limits of the budget that were met
    degraded: tuple[str, ...]
    nodes: tuple[str, ...]  # status and reason of each node of the plan


def put(service: Service, collection: str, question: Question, reasoning: str) -> tuple[Given, Any]:
    """Ask once; also the trace."""
    body = {"question": question.text, "reasoning": reasoning}
    answer = undegraded(service, f"/v1/collections/{collection}/ask", body)
    trace = service.call("GET", f"/v1/answers/{answer['id']}/trace")
    nodes = answer["plan"]["nodes"] if answer["plan"] else ()
    given = Given(
        documents=tuple(documents_of(answer["evidence"])),
        gold=question.gold,
        status=answer["status"],
        planned=answer["plan"] is not None,
        queries=trace["budget"]["used"]["store_queries"],
        calls=answer["usage"]["llm_calls"],
        took_ms=answer["usage"]["took_ms"],
        limited=tuple(trace["budget"]["limited_by"]),
        degraded=tuple(f"{lost['component']}: {lost['reason']}" for lost in answer["degraded"]),
        nodes=tuple(f"{node['status']}: {node['reason']}" for node in nodes),
    )
    return given, trace


def losses(
    gold: Gold, documents: Sequence[str], read: Sequence[Read], trace: Mapping[str, Any]
) -> list[str]:
    """Of each gold passage that is not among the first five, where it was lost."""
    nodes = {node["id"]: node for node in trace["nodes"]}
    found = []
    for number, hop in enumerate(gold.hops, 1):
        if hop.document_id in documents[:5]:
            continue
        steps = (f"node.round.{number}.", f"node.answer.{number}")
        shown = any(hop.document_id in one.documents for one in read if one.step.startswith(steps))
        node = nodes.get(str(number))
        place = "at 6 to 10" if hop.document_id in documents[5:10] else "not in the list"
        if node is None:
            found.append("no plan")
        elif node["status"] == "stopped":
            why = "shown to the node" if shown else "not shown to the node"
            found.append(f"node stopped ({node['reason']}), {why}, {place}")
        elif shown:
            found.append(f"node answered from it, {place}")
        else:
            found.append(f"node answered from another passage, {place}")
    return found


def cited_first(
    documents: Sequence[str], read: Sequence[Read], trace: Mapping[str, Any]
) -> tuple[str, ...]:
    """The documents, those first from which nodes were answered."""
    resolved = [node["id"] for node in trace["nodes"] if node["status"] == "resolved"]
    last = {one.step.split(".")[2]: one.cited for one in read if one.cited}
    cited = [document for id in resolved for document in last.get(id, ())[:1]]
    return tuple(dict.fromkeys([*cited, *documents]))


def recall(given: Given) -> float:
    """Share of the gold passages among the first five, in percent."""
    return 100 * len(given.gold & set(given.documents[:5])) / len(given.gold)


def summary(given: Sequence[Given]) -> dict[str, Any]:
    """Shares in percent, times in milliseconds."""
    nodes = Counter(node for one in given for node in one.nodes)
    resolved = sum(n for node, n in nodes.items() if node.startswith("resolved"))
    return {
        "questions": len(given),
        "R@5": mean(map(recall, given)),
        "all@5": 100 * mean(one.gold <= set(one.documents[:5]) for one in given),
        "planned": 100 * mean(one.planned for one in given),
        "queries": mean(one.queries for one in given),
        "calls": mean(one.calls for one in given),
        "p50_ms": median(one.took_ms for one in given),
        "p95_ms": quantile([one.took_ms for one in given], 0.95),
        "statuses": dict(Counter(one.status for one in given)),
        "limited": dict(Counter(limit for one in given for limit in one.limited)),
        "degraded": dict(Counter(lost for one in given for lost in one.degraded)),
        "nodes": dict(nodes),
        "nodes_resolved": 100 * resolved / nodes.total() if nodes else None,
    }


def by_script(
    service: Service,
    name: str,
    asked: Sequence[Question],
    known: Mapping[str, Gold],
    script: Scripted,
    way: Manner,
) -> dict[str, Any]:
    """Every question with its gold plan."""
    script.manner = way
    kept: list[tuple[Gold, Given]] = []
    first: list[float] = []
    lost: Counter[str] = Counter()
    for question in asked:
        gold = known[question.id]
        script.about(gold)
        given, trace = put(service, name, question, "lag")
        lost.update(losses(gold, given.documents, script.read, trace))
        documents = cited_first(given.documents, script.read, trace)
        first.append(recall(replace(given, documents=documents)))
        kept.append((gold, given))
    by_hops = {
        str(hops): summary([one for gold, one in kept if len(gold.hops) == hops])
        for hops in sorted({len(gold.hops) for gold, _ in kept})
    }
    shorter = ("questions", "R@5", "all@5", "nodes_resolved")
    return {
        **summary([one for _, one in kept]),
        "R@5_first": mean(first),
        "lost": dict(lost.most_common()),
        "by_hops": {hops: {key: row[key] for key in shorter} for hops, row in by_hops.items()},
    }


def compared(name: str, ways: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """How the ways stand to `direct`."""
    found = {}
    if {"direct", "lag"} <= ways.keys():
        found["lag_to_direct_p50"] = ways["lag"]["p50_ms"] / ways["direct"]["p50_ms"]
    if {"direct", "auto"} <= ways.keys() and name in SINGLE_HOP:
        found["auto_minus_direct_R@5"] = ways["auto"]["R@5"] - ways["direct"]["R@5"]
    return found


def main() -> None:
    """Ingest, ask, print and write."""
    parser = options.sets(__doc__, SETS)
    ways = (*BY_RULES, *SCRIPTED)
    parser.add_argument("--reasoning", nargs="+", default=list(ways), choices=ways)
    parser.add_argument("--limit", type=int, help="only the first questions of each set")
    args = parser.parse_args()
    ruled = [way for way in BY_RULES if way in args.reasoning]
    scripted_ways = [way for way in SCRIPTED if way in args.reasoning]
    found: dict[str, dict[str, Any]] = {name: {} for name in args.sets}
    asked = {name: questions(args.data, name)[: args.limit] for name in args.sets}

    def tell(name: str, way: str, result: dict[str, Any]) -> None:
        found[name][way] = result
        print(f"{name} {way}: {result}", flush=True)

    with scratch_folder(args.folder) as folder:
        with Service(args.model, folder) as service:
            for name in args.sets:
                service.provide(name, corpus(args.data, name))
        for name in args.sets:
            for way in ruled:
                with Service(args.model, folder) as service:
                    given = [put(service, name, question, way)[0] for question in asked[name]]
                tell(name, way, summary(given))
            found[name] |= compared(name, found[name])
            known = golds(args.data, name)
            if not known or not scripted_ways:
                continue
            script = Scripted({passage.id: passage.text for passage in corpus(args.data, name)})
            with scripted.serve(script) as server:
                model = {
                    "ANABRANCH_GENERATION__URL": server.url,
                    "ANABRANCH_GENERATION__MODEL": scripted.MODEL,
                }
                for manner in scripted_ways:
                    with Service(args.model, folder, model) as service:
                        result = by_script(service, name, asked[name], known, script, manner)
                    tell(name, manner, result)
    _print(found, [*ruled, *scripted_ways])
    report.write("reasoning", {"sets": found})


def _print(found: Mapping[str, Mapping[str, Any]], ways: Sequence[str]) -> None:
    names = ("R@5", "all@5", "planned", "queries", "calls", "p50_ms", "p95_ms")
    report.table(
        ("set", "reasoning", "questions", *names, "nodes resolved"),
        [
            (
                name,
                way,
                runs[way]["questions"],
                *(float(runs[way][n]) for n in names),
                "-" if runs[way]["nodes_resolved"] is None else float(runs[way]["nodes_resolved"]),
            )
            for name, runs in found.items()
            for way in ways
            if way in runs
        ],
    )
    for name, runs in found.items():
        for what, value in runs.items():
            if isinstance(value, float):
                print(f"{name}: {what} {value:.2f}")
        for way in SCRIPTED:
            if way in runs:
                print(f"{name} {way}: R@5 first {runs[way]['R@5_first']:.2f}")
            for why, count in runs.get(way, {}).get("lost", {}).items():
                print(f"{name} {way}: lost {count}: {why}")


if __name__ == "__main__":
    main()
