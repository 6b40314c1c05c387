"""The question gate: fits `app/engine/hardness.py` and measures it on sets it was not fitted on.

Hard are the questions of the multi-hop sets, easy those of the single-hop sets and the gold
sub-questions of the multi-hop ones (the same house style, one hop). For each pair of a hard and an
easy set both are left out, with whatever else comes from them, the gate is fitted on the rest and
asked for their questions. Every question is fitted twice, as it is and in lower case. What the
question's vector would add is measured beside it; the service reads the words alone.

    python -m benchmarks.gate                            # measure
    python -m benchmarks.gate --write                    # and write the weights
    python -m benchmarks.gate --questions mine.jsonl     # one's own: {"question", "hard", "set"?}
"""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt

from app.engine import hardness as gate
from app.engine.plan.features import surface
from benchmarks import options, report
from benchmarks.logistic import FREE, RISING, Array, auc, fit, standardised
from benchmarks.sets import question_rows
from retrievers.embedders.onnx import OnnxEmbedder

Chosen = npt.NDArray[np.bool_]
HARD = ("musique", "hotpotqa", "2wikimultihopqa", "2wiki_train")
EASY = ("xquad_en", "qed_nq", "policyqa", "tatqa", "cacm")
FAMILY = {"2wikimultihopqa": "2wiki", "2wiki_train": "2wiki"}
UNPOOLED = frozenset(("cacm",))
"""Measured and fitted with a lesser weight: 23 topics that hardly are questions."""
CUTS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)  # the first is the service's default
WEIGHTS = Path(gate.__file__).with_name("hardness_weights.py")
FOLDS = 5
MASS = 1000.0  # of the examples against the ridges
RIDGE, VECTOR_RIDGE = 1.0, 40.0
VECTOR_SCALE = 5.0  # brings a unit vector's dimensions nearer to the other features


@dataclass(frozen=True, slots=True)
class Example:
    """A question of known kind; sets of one family are left out together."""

    question: str
    hard: bool
    set: str
    family: str


def public(data: Path) -> list[Example]:
    """The questions of the sets, each wording once per set."""
    found = []
    for name in HARD:
        family = FAMILY.get(name, name)
        rows = list(question_rows(data, name))
        found += [Example(row["question"], True, name, family) for row in rows]
        inner = (text for row in rows for text in _sub_questions(row))
        found += [Example(text, False, f"{family}_hops", family) for text in inner]
    for name in EASY:
        rows = list(question_rows(data, name))
        if name == "tatqa":  # arithmetic over a table takes several steps
            rows = [row for row in rows if "span" in (row["type"], row.get("answer_type"))]
        found += [Example(row["question"], False, name, name) for row in rows]
    return list(dict.fromkeys(found))


def _sub_questions(row: dict[str, Any]) -> list[str]:
    """The sub-questions of one row that are written as questions, with their answers filled in."""
    parts = row.get("decomposition") or row.get("decomposition_llm") or []
    answers = [part["answer"] for part in parts]

    def filled(match: re.Match[str]) -> str:
        number = int(match[1])
        return answers[number - 1] if number <= len(answers) else match[0]

    texts = (re.sub(r"#(\d)", filled, part["question"]) for part in parts)
    return [text for text in texts if ">>" not in text and "#" not in text]


def given(path: Path) -> list[Example]:
    """One's own questions, a JSON object a line."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [
        Example(row["question"], bool(row["hard"]), row.get("set", ""), row.get("set", ""))
        for row in rows
    ]


class Bench:
    """The examples as rows, in both cases."""

    def __init__(self, examples: Sequence[Example], vectors: Array | None) -> None:
        self.examples = examples
        self.hard = np.array([one.hard for one in examples])
        self.sets = np.array([one.set for one in examples])
        self.families = np.array([one.family for one in examples])
        both = [
            list(gate.features(surface(text)).values())
            for one in examples
            for text in (one.question, one.question.lower())
        ]
        self.names = list(gate.features(surface("")))
        rows, self.mean, self.deviation = standardised(np.array(both))
        extra = np.zeros((len(rows), 0)) if vectors is None else np.repeat(vectors, 2, axis=0)
        ones = np.ones((len(rows), 1))
        self.rows = np.hstack([ones, rows, VECTOR_SCALE * extra])
        self.ridge = np.array([0.0] + [RIDGE] * len(self.names) + [VECTOR_RIDGE] * extra.shape[1])
        # A sign of a hop must not count against one: that would be a set's house style.
        signs = [FREE if name == "cased" else RISING for name in self.names]
        self.bounds = [FREE, *signs, *[FREE] * extra.shape[1]]

    def fitted(self, among: Chosen) -> Array:
        """Coefficients over some of the examples; both classes alike, their groups alike."""
        weights = np.zeros(len(self.examples))
        for hard in (True, False):
            groups = self.families if hard else self.sets
            chosen = among & (self.hard == hard)
            for name in sorted(set(groups[chosen])):
                here = chosen & (groups == name)
                weights[here] = (0.3 if name in UNPOOLED else 1.0) / here.sum()
            weights[chosen] *= MASS / weights[chosen].sum()
        kept = np.repeat(among, 2)
        labels = np.repeat(self.hard, 2)[kept].astype(float)
        halves = np.repeat(weights, 2)[kept] / 2
        return fit(self.rows[kept], labels, halves, self.ridge, self.bounds)

    def scores(self, at: Array, among: Chosen, lower: bool = False) -> Array:
        """Logits of some examples, as they are or in lower case."""
        return np.asarray(self.rows[int(lower) :: 2][among] @ at)

    def unscaled(self, at: Array) -> tuple[float, dict[str, float]]:
        """Constant and weights of the features as `hardness.py` reads them."""
        count = len(self.names)
        plain = at[1 : count + 1] / self.deviation
        weights = {n: round(float(w), 3) for n, w in zip(self.names, plain, strict=True)}
        return round(float(at[0] - plain @ self.mean), 3), weights


def left_out(bench: Bench, lower: bool) -> tuple[dict[str, float], float, dict[str, float]]:
    """AUC of every pair of sets left out, of all pairs pooled, and shares above the cuts."""
    pairs: dict[str, float] = {}
    hards: list[Array] = []
    easies: list[Array] = []
    shares: dict[str, list[float]] = {}
    families = sorted(set(bench.families[bench.hard]))
    easy = sorted(set(bench.sets[~bench.hard]))
    for hard_family, easy_set in product(families, easy):
        positive = bench.hard & (bench.families == hard_family)
        negative = ~bench.hard & (bench.sets == easy_set)
        away = set(bench.families[negative]) | {hard_family}
        among = ~np.isin(bench.families, list(away))
        if not (bench.hard[among].any() and (~bench.hard[among]).any()):
            continue
        at = bench.fitted(among)
        p, n = bench.scores(at, positive, lower), bench.scores(at, negative, lower)
        pairs[f"{hard_family} / {easy_set}"] = auc(p, n)
        if easy_set in UNPOOLED or easy_set.endswith("_hops"):
            continue
        hards.append(p)
        easies.append(n)
        for cut in CUTS:
            logit = np.log(cut / (1 - cut))
            shares.setdefault(f"{hard_family} called hard at {cut}", []).append(np.mean(p >= logit))
            shares.setdefault(f"{easy_set} called hard at {cut}", []).append(np.mean(n >= logit))
    pooled = mean(auc(p, n) for p, n in product(hards, easies)) if hards else float("nan")
    return pairs, pooled, {name: float(mean(values)) for name, values in sorted(shares.items())}


def folded(bench: Bench) -> float:
    """AUC where there are too few sets to leave any out: over folds of the questions."""
    folds = np.array([zlib.crc32(one.question.encode()) % FOLDS for one in bench.examples])
    scores = np.zeros(len(folds))
    for fold in range(FOLDS):
        scores[folds == fold] = bench.scores(bench.fitted(folds != fold), folds == fold)
    return auc(scores[bench.hard], scores[~bench.hard])


async def encoded(folder: Path, texts: Sequence[str]) -> Array:
    embedder = OnnxEmbedder(folder)
    await embedder.open()
    try:
        parts = [await embedder.queries(texts[i : i + 64]) for i in range(0, len(texts), 64)]
    finally:
        await embedder.close()
    return np.concatenate(parts).astype(np.float64)


def written(bench: Bench, source: str) -> None:
    """Write the weights as a module of constants.

    Args:
        source: What the questions came from, if they name no set.
    """
    everything = np.ones(len(bench.examples), dtype=bool)
    constant, weights = bench.unscaled(bench.fitted(everything))
    sets = sorted(set(bench.sets) - {""}) or [source]
    lines = [
        '"""Weights of the question gate; data only, written by `python -m benchmarks.gate`."""',
        "",
        "# fmt: off",
        "FITTED_ON = (",
        *(f'    "{name}",' for name in [*sets, f"{datetime.now(UTC):%Y-%m-%d}"]),
        ")",
        f"CONSTANT = {constant}",
        "WEIGHTS = {",
        *(f'    "{name}": {value},' for name, value in weights.items()),
        "}",
        "",
    ]
    WEIGHTS.write_text("\n".join(lines), encoding="utf-8")
    print(f"written: {WEIGHTS.name}, fitted on {len(bench.examples)} questions")


def main() -> None:
    """Fit, measure, print, and write if asked to."""
    parser = options.inputs(__doc__)
    parser.add_argument("--questions", type=Path, help="one's own, instead of the public sets")
    parser.add_argument("--write", action="store_true", help="write the weights of all examples")
    args = parser.parse_args()
    examples = given(args.questions) if args.questions else public(args.data)
    vectors = asyncio.run(encoded(args.model, [one.question for one in examples]))
    benches = {"words": Bench(examples, None), "words and vector": Bench(examples, vectors)}
    found: dict[str, Any] = {}
    for name, bench in benches.items():
        runs = {case: left_out(bench, case == "lower") for case in ("as is", "lower")}
        found[name] = {
            case: {"pairs": pairs, "pooled": pooled, "shares": shares}
            for case, (pairs, pooled, shares) in runs.items()
        }
        if not runs["as is"][0]:
            found[name] = {"folds": folded(bench)}
            print(f"{name}: AUC over {FOLDS} folds {found[name]['folds']:.3f}")
            continue
        print(f"\n{name}: AUC pooled {runs['as is'][1]:.3f}, lower case {runs['lower'][1]:.3f}")
        as_is, lower = runs["as is"][0], runs["lower"][0]
        report.table(
            ("left out", "AUC %", "lower case"),
            [(pair, 100 * as_is[pair], 100 * lower[pair]) for pair in as_is],
        )
        shares = runs["as is"][2]
        kinds = sorted({text.split(" called")[0] for text in shares})
        report.table(
            ("called hard, %", *(f"p >= {cut}" for cut in CUTS)),
            [(k, *(100 * shares[f"{k} called hard at {cut}"] for cut in CUTS)) for k in kinds],
        )
    if args.write:
        written(benches["words"], args.questions.name if args.questions else "")
    if not args.questions:
        report.write("gate", found)


if __name__ == "__main__":
    main()
