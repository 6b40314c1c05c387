"""Answer quality without a language model, through `POST /ask` of a running service.

Each question is asked three times: of the whole corpus, of its gold passages alone (reading), and
of the corpus without any of them (refusing). The last two are filters on the document id, so that
nothing is ingested twice. Every citation is checked by `benchmarks.citations`.

contained  share of answers whose sentences, or what they cite, hold an accepted answer, letters and
           digits compared (yes/no questions left out)
cited      share of answers that cite every gold passage; cited_gold: mean share of them cited
precision  share of citations that cite a gold passage
valid      share of citations with which nothing is wrong
EM, F1     of `short_answer` by SQuAD's rules, over all questions and over those that have one
computed   number of answers that an operator computed; right: such with an accepted short answer
refused    share answered `unanswerable` at the service's own threshold: on the whole corpus these
           are false refusals (refused_found: though the evidence held every gold passage), on the
           emptied one right ones
AUC        how well the support score separates the whole corpus from the emptied one

    python -m benchmarks.answers --model data/models/all-MiniLM-L6-v2
    python -m benchmarks.answers --sets xquad_en qed_nq --reasoning direct --limit 100
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

import numpy as np

from app.domain.hit import Hit, Standing
from app.engine.steps.write import write
from benchmarks import citations, options, report
from benchmarks.logistic import auc
from benchmarks.service import Service, scratch_folder
from benchmarks.sets import Question, corpus, questions
from benchmarks.timing import quantile
from retrievers.types import Chunk, ChunkId, DocumentKey, Evidence

SETS = ("xquad_en", "qed_nq", "musique", "hotpotqa", "2wikimultihopqa")
REASONING = ("direct", "auto", "lag")
MODES = ("corpus", "gold", "emptied")
MEASURED = ("sql", "budget", "llm")
"""Components whose loss is no accident of the machine."""
STATUSES = ("answered", "partial", "refused", "refused_found")
CITED = ("contained", "cited", "cited_gold", "precision", "valid", "statements")
SHORT = ("short", "EM", "F1", "F1_given")
COMPUTED = ("computed", "computed_right")


def squeezed(text: str) -> str:
    """Letters and digits in lower case: sets differ in spaces and quotation marks."""
    return re.sub(r"[\W_]+", "", text.lower())


def tokens(text: str) -> list[str]:
    """SQuAD's normalisation: no case, punctuation or articles."""
    return re.sub(r"\b(?:a|an|the)\b", " ", re.sub(r"[\W_]+", " ", text.lower())).split()


def exact(said: str, accepted: Sequence[str]) -> float:
    """Whether the answer is one of the accepted ones."""
    return float(any(tokens(said) == tokens(answer) for answer in accepted))


def overlap(said: str, accepted: Sequence[str]) -> float:
    """The best token F1 over the accepted answers."""
    best = 0.0
    for answer in accepted:
        a, b = Counter(tokens(said)), Counter(tokens(answer))
        if shared := (a & b).total():
            best = max(best, 2 * shared / (a.total() + b.total()))
    return best


@dataclass(frozen=True, slots=True)
class Given:
    """What came of one question."""

    status: str
    contained: bool | None
    gold: float  # share of the gold passages that is cited
    found: bool  # whether the evidence holds them all
    statements: int
    citations: int
    cited: int  # such of documents
    right: int  # such of gold passages
    faulty: int  # such with faults
    faults: tuple[str, ...]
    exact: float | None  # None without a short answer
    overlap: float | None
    computed: bool  # whether an operator decided it
    score: float | None
    took_ms: float
    reading_ms: float


def put(
    service: Service,
    collection: str,
    question: Question,
    texts: citations.Texts,
    mode: str,
    reasoning: str,
) -> Given:
    """Ask once, and check what is cited."""
    body: dict[str, Any] = {"question": question.text, "reasoning": reasoning}
    if mode != "corpus":
        operator = "in" if mode == "gold" else "nin"
        body["filters"] = {"type": operator, "key": "$document_id", "value": sorted(question.gold)}
    answer = undegraded(service, f"/v1/collections/{collection}/ask", body)
    trace = service.call("GET", f"/v1/answers/{answer['id']}/trace")
    cited = [one for one in answer["citations"] if one["document_id"] is not None]
    documents = {one["document_id"] for one in cited}
    said = [squeezed(one["quote"]) for one in cited]
    said += [squeezed(answer["answer"][one["start"] : one["end"]]) for one in answer["citations"]]
    accepted = [squeezed(text) for text in question.answers if squeezed(text)]
    plain = not {"yes", "no"} & set(accepted)
    short = answer["short_answer"]
    support = trace.get("support")
    wrong = citations.faults(answer, texts)
    return Given(
        status=answer["status"],
        contained=any(text in quote for text in accepted for quote in said) if plain else None,
        gold=len(question.gold & documents) / len(question.gold),
        found=question.gold <= {hit["document_id"] for hit in answer["evidence"]},
        statements=len({one["start"] for one in answer["citations"]}),
        citations=len(answer["citations"]),
        cited=len(cited),
        right=sum(one["document_id"] in question.gold for one in cited),
        faults=tuple(f"{answer['id']} {fault}" for fault in wrong),
        faulty=len({fault.partition(":")[0] for fault in wrong if fault.startswith("[")}),
        exact=exact(short, question.answers) if short else None,
        overlap=overlap(short, question.answers) if short else None,
        computed=trace["reason"] == "computed",
        score=support["score"] if support else None,
        took_ms=answer["usage"]["took_ms"],
        reading_ms=reading_ms(question.text, answer["evidence"]),
    )


def undegraded(service: Service, path: str, body: dict[str, Any]) -> Any:
    """The answer with every channel in it: a busy machine may cost one, which is not measured."""
    lost: list[Any] = []
    for _ in range(10):
        reply = service.client.post(path, json=body)
        if reply.is_success:
            answer = reply.json()
            # Filters leave SQL out, which the answer says and no text question minds; what a
            # question may cost, and what a model fails at, is part of what is measured.
            lost = [x for x in answer["degraded"] if x["component"] not in MEASURED]
            if not lost:
                return answer
        elif reply.status_code != 503:
            break
    raise RuntimeError(f"{path} {body}: {reply.status_code} {lost or reply.text[:500]}")


def reading_ms(question: str, evidence: Sequence[dict[str, Any]]) -> float:
    """CPU milliseconds of reading these hits again in this process."""
    hits = [_hit(found) for found in evidence if found["chunk_id"] is not None]
    began = time.process_time()
    write(question, hits)
    return 1000 * (time.process_time() - began)


def _hit(found: dict[str, Any]) -> Hit:
    chunk = Chunk(
        ChunkId(found["rank"]),
        found["chunk_id"],
        DocumentKey(found["rank"]),
        found["document_id"],
        found["title"],
        "",
        found["text"],
        found["start"],
        found["end"],
        0,
        {},
    )
    channels = {name: Standing(at["rank"], at["score"]) for name, at in found["channels"].items()}
    return Hit(Evidence(chunk.key, "vector", 1.0, chunk), found["score"], channels)


def summary(given: Sequence[Given]) -> dict[str, Any]:
    """Shares in percent, times in milliseconds."""
    shorts = [one for one in given if one.exact is not None]
    statuses = Counter(one.status for one in given)
    computed = [one for one in given if one.computed]
    times = [one.took_ms for one in given]
    every = sum(one.citations for one in given)
    cited = sum(one.cited for one in given)
    return {
        "questions": len(given),
        "statuses": dict(statuses),
        "answered": 100 * statuses["answered"] / len(given),
        "partial": 100 * statuses["partial"] / len(given),
        "refused": 100 * statuses["unanswerable"] / len(given),
        "refused_found": _share(one.status == "unanswerable" for one in given if one.found),
        "contained": _share(one.contained for one in given),
        "cited": _share(one.gold == 1 for one in given),
        "cited_gold": 100 * mean(one.gold for one in given),
        "precision": 100 * sum(one.right for one in given) / cited if cited else None,
        "valid": 100 * (1 - sum(one.faulty for one in given) / every) if every else None,
        "faults": [fault for one in given for fault in one.faults],
        "statements": mean(one.statements for one in given),
        "short": 100 * len(shorts) / len(given),
        "EM": 100 * sum(one.exact or 0 for one in shorts) / len(given),
        "F1": 100 * sum(one.overlap or 0 for one in shorts) / len(given),
        "EM_given": 100 * mean(one.exact or 0 for one in shorts) if shorts else None,
        "F1_given": 100 * mean(one.overlap or 0 for one in shorts) if shorts else None,
        "computed": len(computed),
        "computed_right": sum(one.exact == 1 for one in computed),
        "took_ms_median": median(times),
        "took_ms_p95": quantile(times, 0.95),
        "reading_cpu_ms_mean": mean(one.reading_ms for one in given),
    }


def _share(values: Iterable[bool | None]) -> float | None:
    known = [value for value in values if value is not None]
    return 100 * mean(known) if known else None


def main() -> None:
    """Ingest, ask, print and write."""
    parser = options.sets(__doc__, SETS)
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=MODES)
    parser.add_argument("--reasoning", nargs="+", default=["direct", "auto"], choices=REASONING)
    parser.add_argument("--limit", type=int, help="only the first questions of each set")
    args = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    faults: list[str] = []
    with scratch_folder(args.folder) as folder, Service(args.model, folder) as service:
        for name in args.sets:
            service.provide(name, corpus(args.data, name))
            texts = citations.Stored(service.client, name)
            asked = questions(args.data, name)[: args.limit]
            found[name] = {}
            for way in args.reasoning:
                given = {
                    mode: [put(service, name, question, texts, mode, way) for question in asked]
                    for mode in args.modes
                }
                faults += [x for many in given.values() for one in many for x in one.faults]
                found[name][way] = {mode: summary(many) for mode, many in given.items()}
                if {"corpus", "emptied"} <= set(given):
                    scores = [
                        np.array([one.score for one in given[mode] if one.score is not None])
                        for mode in ("corpus", "emptied")
                    ]
                    found[name][way]["AUC"] = auc(*scores)
                print(f"{name} {way}: {found[name][way]}", flush=True)
    _print(found, args.modes)
    report.write("answers", {"sets": found})
    if faults:
        raise SystemExit("\n".join(["citations are wrong:", *faults[:20]]))


def _print(found: dict[str, dict[str, Any]], modes: Sequence[str]) -> None:
    names = (*STATUSES, *CITED, *SHORT)
    report.table(
        ("set", "reasoning", "evidence", "questions", *names, *COMPUTED, "AUC"),
        [
            (
                name,
                way,
                mode,
                runs[mode]["questions"],
                *("-" if runs[mode][key] is None else float(runs[mode][key]) for key in names),
                *(runs[mode][key] for key in COMPUTED),
                runs.get("AUC", "-") if mode == "emptied" else "",
            )
            for name, ways in found.items()
            for way, runs in ways.items()
            for mode in modes
        ],
    )


if __name__ == "__main__":
    main()
