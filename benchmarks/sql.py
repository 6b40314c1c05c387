"""Questions to databases, answered without a language model, through the SQL retriever itself.

Every question of the set `defog` is put to the retriever with its own database as the only source.
A question is *supported* when one of its gold statements has the shape that the templates can
write (`supported`, a rule over syntax trees); *answered* when rows come back; *right* when the
rows are those of any gold statement. Only questions whose gold result has rows are counted.

Rows are compared as text-to-SQL evaluators do: as multisets, column names and column order aside,
numbers to six digits. Every gold column must be there, at most two further ones may be; *exact*
counts the results without any. A result cut at 200 rows must be a part of the gold rows.

    python -m benchmarks.sql
    python -m benchmarks.sql --show wrong
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import permutations
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from benchmarks import report
from benchmarks.sets import DEFAULT_DATA
from retrievers.sql.tables import SourceSpec, SqlRetriever
from retrievers.types import CollectionId, Query, Rows

HERE = CollectionId(1)
EXTRA = 2  # columns beyond the gold ones
MOST_JOINS = 3
AGGREGATES = (exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max)
DATES = (exp.Date, exp.TimeToStr, exp.TsOrDsToTimestamp, exp.CurrentDate, exp.TsOrDsToDate)
PLAIN = (exp.Lower, exp.Upper, exp.Cast, exp.And, exp.Or, *DATES)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what counts as its answer."""

    id: str
    db: str
    text: str
    kind: str
    gold: tuple[str, ...]
    supported: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What came back."""

    asked: Asked
    outcome: str  # right, wrong, abstained
    exact: bool  # right without further columns
    rows: Rows | None
    score: float
    took_s: float


def supported(statement: str) -> bool:
    """Whether a gold statement is of a kind the templates can write.

    One SELECT without subqueries, common table expressions, set operations, windows, CASE and
    arithmetic; at most three joins, no table twice; aggregates, conditions, grouping, order and
    limit; of functions only the five aggregates, case folding and dates.
    """
    tree = sqlglot.parse_one(statement, read="sqlite")
    if not isinstance(tree, exp.Select) or len(list(tree.find_all(exp.Select))) > 1:
        return False
    if tree.find(exp.With, exp.Window, exp.Case, exp.If, exp.Div, exp.Mul, exp.Add, exp.Sub):
        return False
    tables = [table.name.lower() for table in tree.find_all(exp.Table)]
    if len(tables) - 1 > MOST_JOINS or len(set(tables)) < len(tables):
        return False
    for function in tree.find_all(exp.Func):
        known = isinstance(function, (*AGGREGATES, *PLAIN))
        named = isinstance(function, exp.Anonymous) and function.name.lower() in (
            "date",
            "strftime",
        )
        if not known and not named:
            return False
    return True


def load(data: Path) -> list[Asked]:
    """The questions, with their shape judged."""
    with gzip.open(data / "defog" / "questions.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Asked(
            row["id"],
            row["db"],
            row["question"],
            row["type"],
            tuple(row["sql_alternatives"]),
            any(supported(statement) for statement in row["sql_alternatives"]),
        )
        for row in rows
    ]


def unpack(data: Path, folder: Path) -> None:
    """Databases as files."""
    for packed in sorted((data / "defog" / "db").glob("*.sqlite.gz")):
        (folder / packed.name.removesuffix(".gz")).write_bytes(gzip.decompress(packed.read_bytes()))


def gold_rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """What a gold statement gives today."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        return [tuple(row) for row in database.execute(statement)]


def cell(value: Any) -> str:
    """A cell as it is compared."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        return f"{float(value):.6g}"
    return str(value).strip()


def same_rows(
    gold: Sequence[Sequence[Any]],
    ours: Sequence[Sequence[Any]],
    extra: int = EXTRA,
    cut: bool = False,
) -> bool:
    """Whether some choice of our columns is the gold columns, row for row in any order."""
    if len(gold) != len(ours) and not (cut and len(gold) > len(ours)):
        return False
    if not gold:
        return True
    theirs = [[cell(value) for value in row] for row in gold]
    mine = [[cell(value) for value in row] for row in ours]
    width = len(theirs[0])
    if not width <= len(mine[0]) <= width + extra:
        return False
    choices = []
    for i in range(width):
        wanted = Counter(row[i] for row in theirs)
        found = [Counter(row[j] for row in mine) for j in range(len(mine[0]))]
        choices.append([j for j, counts in enumerate(found) if counts <= wanted])
    target = Counter(map(tuple, theirs))
    return any(
        Counter(tuple(row[i] for i in choice) for row in mine) <= target
        for choice in _distinct_choices(choices)
    )


def _distinct_choices(choices: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    everything = sorted({i for choice in choices for i in choice})
    for found in permutations(everything, len(choices)):
        if all(i in choice for i, choice in zip(found, choices, strict=True)):
            yield found


class OneSource:
    """Each collection has the one database that is asked just now."""

    def __init__(self) -> None:
        self.spec: SourceSpec | None = None

    async def of(self, collection: CollectionId) -> Sequence[SourceSpec]:
        """That database."""
        return [self.spec] if self.spec else []


async def run(asked: Sequence[Asked], folder: Path) -> list[Told]:
    """Put every question; a first one to each database opens it and is not timed."""
    source = OneSource()
    retriever = SqlRetriever(source, today=date.today)
    told = []
    try:
        for question in asked:
            path = folder / f"{question.db}.sqlite"
            source.spec = SourceSpec(question.db, f"sqlite:///{path}")
            await retriever.search(Query(HERE, "open"), 1)
            began = time.perf_counter()
            found = await retriever.search(Query(HERE, question.text), 1)
            took = time.perf_counter() - began
            told.append(judge(question, path, found[0] if found else None, took))
    finally:
        await retriever.close()
    return told


def judge(question: Asked, path: Path, evidence: Any, took: float) -> Told:
    """Right if the rows are those of any gold statement."""
    if evidence is None:
        return Told(question, "abstained", False, None, 0.0, took)
    rows: Rows = evidence.origin
    golds = [gold_rows(path, statement) for statement in question.gold]
    right = any(same_rows(gold, rows.rows, cut=rows.truncated) for gold in golds)
    exact = any(same_rows(gold, rows.rows, 0, rows.truncated) for gold in golds)
    return Told(question, "right" if right else "wrong", exact, rows, evidence.score, took)


def summary(told: Sequence[Told]) -> dict[str, Any]:
    """Figures of one group of questions."""
    outcomes = Counter(t.outcome for t in told)
    answered = outcomes["right"] + outcomes["wrong"]
    return {
        "questions": len(told),
        "answered": answered,
        "right": outcomes["right"],
        "wrong": outcomes["wrong"],
        "exact": sum(t.exact for t in told),
        "right_share": round(100 * outcomes["right"] / max(len(told), 1), 1),
        "wrong_of_answered": round(100 * outcomes["wrong"] / max(answered, 1), 1),
    }


def main() -> None:
    """Ask, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder with the sets")
    parser.add_argument("--show", nargs="+", default=[], help="print right, wrong or abstained")
    args = parser.parse_args()
    if not (args.data / "defog").is_dir():
        raise SystemExit(f"there is no folder {args.data / 'defog'}")
    asked = load(args.data)
    with tempfile.TemporaryDirectory(prefix="anabranch-sql-") as name:
        folder = Path(name)
        unpack(args.data, folder)
        full = [
            question
            for question in asked
            if any(gold_rows(folder / f"{question.db}.sqlite", sql) for sql in question.gold)
        ]
        told = asyncio.run(run(asked, folder))
    counted = [t for t in told if t.asked in full]
    groups = {
        "supported kinds": [t for t in counted if t.asked.supported],
        "other kinds": [t for t in counted if not t.asked.supported],
        "all": counted,
        "empty gold result": [t for t in told if t.asked not in full],
    }
    for told_one in told:
        if told_one.outcome in args.show:
            show(told_one)
    found = {label: summary(rows) for label, rows in groups.items()}
    counts = ("questions", "answered", "right", "wrong", "exact")
    names = (*counts, "right_share", "wrong_of_answered")
    report.table(
        ("kinds", *names), [(label, *(row[n] for n in names)) for label, row in found.items()]
    )
    times = sorted(1000 * t.took_s for t in told)
    quick = {
        "answered_ms": _median([1000 * t.took_s for t in told if t.rows is not None]),
        "abstained_ms": _median([1000 * t.took_s for t in told if t.rows is None]),
        "p95_ms": round(times[int(0.95 * len(times))], 2),
    }
    print("median milliseconds:", quick)
    share = 100 * len(groups["supported kinds"]) / len(counted)
    print(f"supported kinds: {share:.1f} % of the questions with rows")
    report.write("sql", {"kinds": found, "times": quick, "supported_share": round(share, 1)})


def show(told: Told) -> None:
    """One question with what came of it."""
    print(f"-- {told.asked.id} {told.asked.db} {told.outcome} {told.score:.2f}: {told.asked.text}")
    if told.rows is not None:
        print(f"   {told.rows.statement}\n   {told.rows.rows[:5]}")
    print(f"   gold {told.asked.gold[0][:300]}")


def _median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 2) if values else 0.0


if __name__ == "__main__":
    main()
