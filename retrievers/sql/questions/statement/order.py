"""In which order the rows come, and how many."""

from __future__ import annotations

from sqlglot import exp

from retrievers.sql.questions.draft import Draft, Measure, Mention, Sort
from retrievers.sql.questions.statement.clauses import Clauses
from retrievers.sql.questions.statement.measured import Measured
from retrievers.sql.questions.statement.resolve import Resolution
from retrievers.sql.questions.statement.select import Parts
from retrievers.sql.questions.statement.things import Things


class Order:
    """For one database."""

    def __init__(self, clauses: Clauses, things: Things, measured: Measured) -> None:
        self._clauses, self._things, self._measured = clauses, things, measured

    def implied_limit(self, draft: Draft) -> int | None:
        """One thing is asked for: `which author has the most …`."""
        ranking = draft.ranking
        if ranking is None or draft.sorts or draft.compares:
            return None
        asked = draft.target or next((o for o in draft.outputs if isinstance(o, Mention)), None)
        return None if asked is not None and asked.plural else 1

    def sort(self, draft: Draft, chosen: Resolution, parts: Parts, grouped: bool) -> None:
        """What the question says, then what tells rows apart, so that no two runs differ."""
        groups = {chosen[g].table for g in draft.groups if isinstance(g, Mention)}
        if draft.target is not None:
            groups.add(chosen[draft.target].table)
        for sort in (*([draft.ranking] if draft.ranking else []), *draft.sorts):
            for key in self._sort_keys(sort, draft, chosen, parts, grouped, groups):
                if not any(key == known for known, _ in parts.order):
                    parts.order.append((key, sort.descending))
                if grouped and key not in parts.groups and not key.find(exp.AggFunc):
                    parts.groups.append(key)
                shown = parts.distinct or (not grouped and not draft.outputs)
                if shown and key not in parts.outputs and not key.find(exp.AggFunc):
                    parts.outputs.append(key)
        if not parts.order and grouped:
            measures = [o for o in parts.outputs if o.find(exp.AggFunc)]
            parts.order += [(m, True) for m in measures[:1]]
        ties = [(key, parts.order[0][1]) for key in parts.groups] if parts.order else []
        if not grouped and draft.target is not None and not parts.distinct:
            ties = [(key, False) for key in self._things.identity(chosen[draft.target])[0]]
        for key, descending in (*ties, *((o, False) for o in parts.outputs)):
            if not any(key == known for known, _ in parts.order):
                parts.order.append((key, descending))

    def _sort_keys(
        self,
        sort: Sort,
        draft: Draft,
        chosen: Resolution,
        parts: Parts,
        grouped: bool,
        groups: set[str],
    ) -> list[exp.Expr]:
        if isinstance(sort.by, Measure):
            own = self._measured.own_value(sort.by, chosen, draft)
            if own is not None and not grouped:
                return [own]
            return [self._measured.measure(sort.by, chosen, parts, groups)]
        if isinstance(sort.by, Mention):
            meaning = chosen[sort.by]
            if grouped and meaning.column is not None:
                column = self._clauses.column(meaning)
                inside = [
                    o
                    for o in parts.outputs
                    if o.find(exp.AggFunc) and column in o.find_all(exp.Column)
                ]
                if inside:
                    return inside[:1]
            return self._things.identity(meaning)[1][:1]
        measures = [o for o in parts.outputs if o.find(exp.AggFunc)]
        return measures[:1] or parts.outputs[:1]
