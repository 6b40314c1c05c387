"""Which joins repeat rows, so that a sum over them would count twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retrievers.sql.questions.statement.joins import Step
from retrievers.sql.schema import Catalogue


def repeated(table: str, steps: Sequence[Step], catalogue: Catalogue) -> set[str]:
    """Tables whose joins repeat rows of a table."""
    around: dict[str, list[tuple[str, bool]]] = {}
    for step in steps:
        link = step.link
        around.setdefault(link.table, []).append((link.target, False))
        around.setdefault(link.target, []).append((link.table, True))
    found: set[str] = set()
    seen, waiting = {table}, [(table, False)]
    while waiting:
        here, fanned = waiting.pop()
        for there, fans in around.get(here, ()):
            if there not in seen:
                seen.add(there)
                unique = _one_to_one(here, there, steps, catalogue)
                now = fanned or (fans and not unique)
                if now:
                    found.add(there)
                waiting.append((there, now))
    return found


def _one_to_one(here: str, there: str, steps: Sequence[Step], catalogue: Catalogue) -> bool:
    """Whether the referring column is a key itself, so that each row has one partner."""
    for step in steps:
        if {step.link.table, step.link.target} == {here, there}:
            key = catalogue.tables[step.link.table].key
            return bool(key) and set(key) == set(step.link.columns)
    return False


def towards(table: str, groups: Iterable[str], steps: Sequence[Step]) -> set[str]:
    """Tables on the way from a table to those it is grouped by."""
    parents: dict[str, str] = {}
    waiting = [table]
    while waiting:
        here = waiting.pop()
        for step in steps:
            ends = {step.link.table, step.link.target}
            if here in ends:
                (there,) = ends - {here}
                if there not in parents and there != table:
                    parents[there] = here
                    waiting.append(there)
    found: set[str] = set()
    for group in groups:
        while group in parents:
            found.add(group)
            group = parents[group]
    return found
