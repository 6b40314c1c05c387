"""A SELECT in parts, and its syntax tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from retrievers.sql.questions.errors import Unanswerable
from retrievers.sql.questions.statement.clauses import Clauses
from retrievers.sql.questions.statement.joins import Step


@dataclass
class Parts:
    """A SELECT being put together."""

    root: str
    steps: list[Step] = field(default_factory=list)
    outputs: list[exp.Expr] = field(default_factory=list)
    groups: list[exp.Expr] = field(default_factory=list)
    where: list[exp.Expr] = field(default_factory=list)
    having: list[exp.Expr] = field(default_factory=list)
    order: list[tuple[exp.Expr, bool]] = field(default_factory=list)
    distinct: bool = False


def joined(parts: Parts, clauses: Clauses) -> exp.Select:
    """FROM and its joins."""
    select = exp.Select().from_(clauses.source(parts.root))
    for step in parts.steps:
        select = select.join(clauses.source(step.table), on=clauses.link(step.link))
    return select


def render(parts: Parts, clauses: Clauses, limit: int | None) -> exp.Select:
    """The statement."""
    if not parts.outputs:
        raise Unanswerable("nothing to show")
    select = joined(parts, clauses).select(*_with_names(parts.outputs))
    for condition in parts.where:
        select = select.where(condition)
    if parts.groups:
        select = select.group_by(*parts.groups)
    for condition in parts.having:
        select = select.having(condition)
    if parts.distinct:
        select = select.distinct()
    totals = not parts.groups and any(o.find(exp.AggFunc) for o in parts.outputs)
    if not totals:
        select = select.order_by(*(clauses.ordered(k, d) for k, d in parts.order))
    return select.limit(limit) if limit else select


def _with_names(outputs: Sequence[exp.Expr]) -> Iterator[exp.Expr]:
    """Outputs with a name each: `count`, `avg_rating`."""
    taken: set[str] = set()
    for output in outputs:
        name = output.name if isinstance(output, exp.Column) else ""
        if isinstance(output, exp.AggFunc):
            column = output.find(exp.Column)
            counted = isinstance(output, exp.Count)
            name = output.key if counted or column is None else f"{output.key}_{column.name}"
        elif isinstance(output, exp.TimeToStr):
            name = {"%Y-%m-%d": "day", "%Y-%m": "month"}.get(output.args["format"].name, "year")
        unique, number = name, 2
        while unique.lower() in taken:
            unique, number = f"{name}_{number}", number + 1
        taken.add(unique.lower())
        if isinstance(output, exp.Column) and unique == name:
            yield output
        else:
            yield exp.alias_(output.copy(), unique, quoted=True)


def add(known: list[exp.Expr], more: Iterable[exp.Expr]) -> None:
    """Append what is not there yet."""
    for one in more:
        if one not in known:
            known.append(one)
