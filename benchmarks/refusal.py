"""The refusal score: fits `PickWeights` of `app/engine/reading/support.py` and measures it.

Each question is put three times, in this process: to the whole corpus; to it without the question's
gold passages, which a filter keeps out; and to a corpus into which they were never ingested (two
halves a set, each without the gold passages of its half). The last is what refusals are for; the
second is what `benchmarks.answers` measures. An index still knows the words and names of what a
filter keeps out, so a fit on filtered searches alone would learn that.

    python -m benchmarks.refusal --folder /tmp/refusal     # ingests once, keeps it there
    python -m benchmarks.refusal --folder /tmp/refusal --fit
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from app.domain.hit import Found, Hit, Signals
from app.engine.reading.choice import choose, score
from app.engine.reading.passage import read
from app.engine.reading.question import asked
from app.engine.reading.support import PickWeights, Support, judge
from app.engine.steps.write import WriteOptions
from app.settings import load
from app.wiring import Services, build
from benchmarks import options, report
from benchmarks.answers import SETS, squeezed
from benchmarks.logistic import Array, auc, fit, standardised
from benchmarks.service import Service, scratch_folder
from benchmarks.sets import Question, corpus, questions
from retrievers.filters import EVERYTHING, Compare

Mode = Literal["corpus", "filtered", "removed"]
SINGLE = frozenset(("xquad_en", "qed_nq"))
"""Nearly every passage answers some question here: halves are drawn by passage."""
FALSE_REFUSALS = 0.08
SIGNS = (
    "best_cosine",
    "gap",
    "uncovered",
    "lexical_gap",
    "missing",
    "untyped",
    "named",
    "untitled",
)
UNTITLED = 0.3  # share of the fit's weight on passages read without their titles
RIDGE = 2.0


@dataclass(frozen=True, slots=True)
class Judged:
    """One question, put once."""

    set: str
    mode: Mode
    half: int
    support: Support
    untitled: Support
    contained: bool | None  # whether the chosen sentences hold an answer; None for yes and no


def half(name: str, question: Question) -> int:
    """Which corpus lacks the question's gold passages."""
    drawn = min(question.gold) if name in SINGLE else question.id
    return zlib.crc32(drawn.encode()) % 2


def ingest(data: Path, model: Path, folder: Path, names: Sequence[str]) -> None:
    """The corpora that the folder lacks, whole and halved."""
    with Service(model, folder) as service:
        for name in names:
            passages, asking = corpus(data, name), questions(data, name)
            service.provide(name, passages)
            for number in (0, 1):
                gone = frozenset().union(*(q.gold for q in asking if half(name, q) == number))
                kept = [p for p in passages if p.id not in gone]
                service.provide(f"{name}-rm{number}", kept)


async def put(services: Services, name: str, question: Question, mode: Mode) -> Judged | None:
    """Search, read and judge; None where nothing was found."""
    number = half(name, question)
    where = f"{name}-rm{number}" if mode == "removed" else name
    collection = await services.collections.get(where)
    away = Compare("$document_id", "nin", tuple(sorted(question.gold)))
    found = await services.search.search(
        collection.id, question.text, 10, filter=away if mode == "filtered" else EVERYTHING
    )
    if lost := [one for one in found.degraded if one.component != "sql"]:
        raise RuntimeError(f"{where}: {lost}")
    hits = [hit for hit in found.hits if hit.chunk is not None][: WriteOptions().passages]
    if not hits:
        return None
    support, contained = _judged(question, hits, _signals(found), titles=True)
    untitled, _ = _judged(question, hits, _signals(found), titles=False)
    return Judged(name, mode, zlib.crc32(question.id.encode()) % 2, support, untitled, contained)


def _signals(found: Found) -> Signals:
    told = found.trace.get("signals")
    if not told:
        raise RuntimeError("the search's trace has no signals of its picks")
    return Signals(**told)


def _judged(
    question: Question, hits: Sequence[Hit], picks: Signals | None, titles: bool
) -> tuple[Support, bool | None]:
    ask = asked(question.text)
    chunks = [hit.chunk for hit in hits if hit.chunk is not None]
    cosines = [hit.channels["vector"].score if "vector" in hit.channels else None for hit in hits]
    passages = [read(c.title if titles else "", c.text, c.context) for c in chunks]
    sentences = score(ask, passages, cosines)
    support = judge(ask, sentences, cosines, picks=picks)
    said = []
    for row in choose(ask, sentences):
        p, n = sentences.places[row]
        line = passages[p].lines[n]
        said.append(squeezed(passages[p].text[line.start : line.end]))
    accepted = [squeezed(answer) for answer in question.answers if squeezed(answer)]
    if {"yes", "no"} & set(accepted):
        return support, None
    return support, any(answer in text for answer in accepted for text in said)


async def collect(data: Path, folder: Path, names: Sequence[str]) -> list[Judged]:
    """All questions of the sets, in all three ways."""
    found = []
    async with build(load(None, data_dir=folder)) as services:
        for name in names:
            for question in questions(data, name):
                for mode in ("corpus", "filtered", "removed"):
                    judged = await put(services, name, question, mode)
                    found += [judged] if judged else []
            print(f"{name}: {sum(one.set == name for one in found)} searches", flush=True)
    return found


class Bench:
    """The searches as rows, read with and without their titles."""

    def __init__(self, judged: Sequence[Judged]) -> None:
        self.sets = np.array([one.set for one in judged])
        self.modes = np.array([one.mode for one in judged])
        self.halves = np.array([one.half for one in judged])
        self.contained = np.array([bool(one.contained) for one in judged])
        self.plain = np.array([one.contained is not None for one in judged])
        twice = [[one.support, one.untitled] for one in judged]
        signs = [[support.signs[name] for name in SIGNS] for pair in twice for support in pair]
        self.rows, self.mean, self.deviation = standardised(np.array(signs))
        self.shipped = np.array([one.support.score for one in judged])

    def fitted(self, kept: npt.NDArray[np.bool_]) -> Array:
        """Coefficients; sets weigh alike, and so do the intact and the emptied of each."""
        weights = np.zeros(len(self.sets))
        for name in set(self.sets):
            for mode, mass in (("corpus", 100.0), ("filtered", 50.0), ("removed", 50.0)):
                here = kept & (self.sets == name) & (self.modes == mode)
                weights[here] = mass / max(1, here.sum())
        both = np.outer(weights, [1 - UNTITLED, UNTITLED]).ravel()
        labels = np.repeat(self.modes == "corpus", 2).astype(float)
        rows = np.hstack([np.ones((len(self.rows), 1)), self.rows])
        ridge = np.array([0.0] + [RIDGE] * len(SIGNS))
        return fit(rows, labels, both, ridge)

    def scores(self, at: Array) -> Array:
        """Of every search, with its titles."""
        return np.asarray(at[0] + self.rows[::2] @ at[1:])

    def held_out(self) -> Array:
        """Of every search, by the fit on the other half of the questions."""
        found = np.zeros(len(self.sets))
        for number in (0, 1):
            scores = self.scores(self.fitted(self.halves != number))
            found[self.halves == number] = scores[self.halves == number]
        return found

    def unscaled(self, at: Array) -> dict[str, float]:
        """The coefficients as `PickWeights` has them."""
        plain = at[1:] / self.deviation
        named = {name: round(float(w), 2) for name, w in zip(SIGNS, plain, strict=True)}
        return {**named, "constant": round(float(at[0] - plain @ self.mean), 2)}

    def report(self, scores: Array, threshold: float) -> list[tuple[object, ...]]:
        """A line for each set, in percent."""
        found = []
        for name in dict.fromkeys(self.sets.tolist()):
            of = {m: (self.sets == name) & (self.modes == m) for m in set(self.modes.tolist())}
            whole = scores[of["corpus"]]
            answered = of["corpus"] & self.plain & (scores >= threshold) & self.contained
            cells: list[object] = [name]
            for mode in ("filtered", "removed"):
                own = np.quantile(whole, FALSE_REFUSALS)
                cells += [
                    100 * auc(whole, scores[of[mode]]),
                    100 * float(np.mean(scores[of[mode]] < own)),
                    100 * float(np.mean(scores[of[mode]] < threshold)),
                ]
            cells += [
                100 * float(np.mean(whole < threshold)),
                100 * float(answered.sum() / (of["corpus"] & self.plain).sum()),
            ]
            found.append(tuple(cells))
        return found


HEADER = (
    "set",
    "AUC filtered",
    "refused at own 8 %",
    "refused",
    "AUC removed",
    "refused at own 8 %",
    "refused",
    "intact refused",
    "contained",
)


def main() -> None:
    """Ingest what is missing, ask, print, and fit if asked to."""
    parser = options.sets(__doc__, SETS)
    parser.add_argument("--fit", action="store_true", help="fit anew and print the weights")
    args = parser.parse_args()
    with scratch_folder(args.folder) as folder:
        ingest(args.data, args.model, folder, args.sets)
        bench = Bench(asyncio.run(collect(args.data, folder, args.sets)))
    threshold = PickWeights().threshold
    found: dict[str, Any] = {"shipped": bench.report(bench.shipped, threshold)}
    print(f"\nas shipped, threshold {threshold:g}, in percent")
    report.table(HEADER, found["shipped"])
    if args.fit:
        found["held out"] = bench.report(bench.held_out(), threshold)
        print("\nfitted on the other half of the questions, the same threshold")
        report.table(HEADER, found["held out"])
        weights = bench.unscaled(bench.fitted(np.ones(len(bench.sets), dtype=bool)))
        print(f"\nfitted on all questions: {weights}")
        found["weights"] = weights
    report.write("refusal", {"columns": HEADER, **found})


if __name__ == "__main__":
    main()
