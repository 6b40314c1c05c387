"""Counts, sums and means as expressions, with care for what joins repeat."""

from __future__ import annotations

from sqlglot import exp

from retrievers.sql.questions.draft import Draft, Having, Measure, Mention
from retrievers.sql.questions.errors import Unanswerable
from retrievers.sql.questions.naming import Meaning
from retrievers.sql.questions.statement.clauses import Clauses
from retrievers.sql.questions.statement.facts import Facts
from retrievers.sql.questions.statement.fans import repeated, towards
from retrievers.sql.questions.statement.resolve import Resolution
from retrievers.sql.questions.statement.select import Parts, joined
from retrievers.sql.questions.statement.things import Things
from retrievers.sql.schema import Table


class Measured:
    """For one database."""

    def __init__(self, facts: Facts, clauses: Clauses, things: Things) -> None:
        self._facts, self._clauses, self._things = facts, clauses, things

    def measure(
        self, measure: Measure, chosen: Resolution, parts: Parts, groups: set[str]
    ) -> exp.Expr:
        """The expression of a measure.

        Args:
            groups: Tables that the result is grouped by: repeating rows on the way is meant.
        """
        meaning = chosen[measure]
        fans = self._repeated(meaning.table, parts)
        if measure.function == "count" and meaning.way != "counted":
            return self._count(measure, meaning, fans)
        if fans - towards(meaning.table, groups, parts.steps):
            raise Unanswerable("a join would repeat the rows that are added up")
        column = self._clauses.column(meaning)
        function = "sum" if measure.function == "count" else measure.function
        kinds = {"sum": exp.Sum, "avg": exp.Avg, "min": exp.Min, "max": exp.Max}
        return kinds[function](this=column)

    def _count(self, measure: Measure, meaning: Meaning, fans: set[str]) -> exp.Expr:
        table = self._facts.catalogue.tables[meaning.table]
        if meaning.column is not None:
            column = table.column(meaning.column)
            if measure.counted and not measure.distinct and self._holds_counts(meaning):
                return exp.Sum(this=self._clauses.column(meaning))
            if column.unique and not fans:
                return exp.Count(this=exp.Star())
            return exp.Count(this=exp.Distinct(expressions=[self._clauses.column(meaning)]))
        if counted := self._count_column(table):
            return exp.Sum(this=self._clauses.column(Meaning(table.name, counted, "full")))
        if not fans:
            return exp.Count(this=exp.Star())
        if len(table.key) != 1:
            raise Unanswerable(f"rows of {table.name} cannot be told apart")
        key = self._clauses.column(Meaning(table.name, table.key[0], "full"))
        return exp.Count(this=exp.Distinct(expressions=[key]))

    def _holds_counts(self, meaning: Meaning) -> bool:
        column = self._facts.column(meaning)
        words = self._facts.labels.columns[meaning.table, meaning.column or ""]
        return (
            column is not None
            and column.kind == "number"
            and column.whole
            and words[-1] not in ("id", "year", "code", "number")
            and meaning.way in ("exact", "counted", "synonym")
        )

    def _count_column(self, table: Table) -> str | None:
        """Where each row already counts something: `checkin.count`."""
        for column in table.columns:
            if column.kind == "number" and column.name.lower() in ("count", "cnt"):
                return column.name
        return None

    def own_value(self, measure: Measure, chosen: Resolution, draft: Draft) -> exp.Expr | None:
        """A measure that is simply a column of the listed table: `review count`."""
        meaning = chosen[measure]
        target = chosen[draft.target] if draft.target is not None else None
        if target is None or target.column is not None or meaning.table != target.table:
            return None
        if meaning.column is None or measure.distinct:
            return None
        if measure.function == "count" and meaning.way != "counted":
            return None
        return self._clauses.column(meaning)

    def having(
        self, having: Having, chosen: Resolution, parts: Parts, groups: set[str]
    ) -> exp.Expr:
        """A condition on a measure."""
        value = self.measure(having.measure, chosen, parts, groups)
        return self._clauses.compare(value, having.operator, having.number, having.upper)

    def plain_havings(self, draft: Draft, chosen: Resolution, parts: Parts) -> None:
        """`with more than 3 reviews`, where the thing's own row holds the number."""
        for having in list(draft.havings):
            meaning = chosen[having.measure]
            if draft.target is not None and _itself(having, meaning, chosen[draft.target]):
                raise Unanswerable("more than one of what is listed, in each of it")
            column = self._facts.column(meaning)
            if column is None or having.measure.function != "count":
                continue
            if column.kind != "number":
                listed = chosen[draft.target] if draft.target is not None else None
                if listed is not None and listed.column is None and listed.table == meaning.table:
                    raise Unanswerable("more than one of what each has once")
                continue
            if draft.target is None or chosen[draft.target].table != meaning.table:
                raise Unanswerable("a number of another table")
            value = self._clauses.column(meaning)
            compared = self._clauses.compare(value, having.operator, having.number, having.upper)
            parts.where.append(compared)
            draft.havings.remove(having)

    def count_of_groups(self, draft: Draft, chosen: Resolution, parts: Parts) -> exp.Select:
        """`how many authors have more than 2 papers`."""
        if draft.target is None:
            raise Unanswerable("nothing to count")
        meaning = chosen[draft.target]
        if any(_itself(having, chosen[having.measure], meaning) for having in draft.havings):
            raise Unanswerable("more than one of what is counted, in each of it")
        keys, _ = self._things.identity(meaning)
        having = [self.having(h, chosen, parts, {meaning.table}) for h in draft.havings]
        inner = joined(parts, self._clauses).select(*keys).group_by(*keys)
        for condition in parts.where:
            inner = inner.where(condition)
        for condition in having:
            inner = inner.having(condition)
        return exp.Select().select(exp.Count(this=exp.Star())).from_(inner.subquery("counted"))

    def average_of_counts(self, draft: Draft, chosen: Resolution, parts: Parts) -> exp.Select:
        """`the average number of authors per paper`."""
        group = draft.groups[0] if len(draft.groups) == 1 else None
        more = draft.outputs or draft.hints or draft.havings or len(draft.measures) != 1
        if not isinstance(group, Mention) or more or not draft.per:
            raise Unanswerable("an average of counts of what")
        meaning = chosen[group]
        keys, _ = self._things.identity(meaning)
        (measure,) = draft.measures
        fans = self._repeated(chosen[measure].table, parts)
        value = self._count(measure, chosen[measure], fans)
        inner = joined(parts, self._clauses).select(exp.alias_(value, "n", quoted=True))
        for condition in parts.where:
            inner = inner.where(condition)
        inner = inner.group_by(*keys)
        mean = exp.Avg(this=exp.column("n", table="counted", quoted=True))
        outer = exp.Select().select(exp.alias_(mean, "average", quoted=True))
        return outer.from_(inner.subquery("counted"))

    def _repeated(self, table: str, parts: Parts) -> set[str]:
        return repeated(table, parts.steps, self._facts.catalogue)


def _itself(having: Having, measured: Meaning, listed: Meaning) -> bool:
    """`papers cited by more than one paper`: each row holds just one of itself."""
    rows = having.measure.function == "count" and measured.column is None
    return rows and listed.column is None and measured.table == listed.table
