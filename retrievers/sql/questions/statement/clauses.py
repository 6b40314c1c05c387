"""Pieces of statements: sources, joins, conditions, time units."""

from __future__ import annotations

from datetime import date

from sqlglot import exp

from retrievers.sql.questions.draft import (
    Condition,
    DateIn,
    Draft,
    Holds,
    Lacks,
    Mention,
    NumberIs,
    Operator,
    TimeGroup,
    ValueIs,
)
from retrievers.sql.questions.errors import Unanswerable
from retrievers.sql.questions.language.dates import Span
from retrievers.sql.questions.statement.facts import Facts
from retrievers.sql.questions.statement.joins import Wish
from retrievers.sql.questions.statement.resolve import Resolution
from retrievers.sql.questions.statement.unsaid import Unsaid
from retrievers.sql.questions.vocabulary import Meaning
from retrievers.sql.schema import Link

FORMATS = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
YES = frozenset({"yes", "y", "true", "t", "1"})
NO = frozenset({"no", "n", "false", "f", "0"})
_OPERATORS: dict[Operator, type[exp.Binary]] = {
    "eq": exp.EQ,
    "ne": exp.NEQ,
    "gt": exp.GT,
    "ge": exp.GTE,
    "lt": exp.LT,
    "le": exp.LTE,
}


class Clauses:
    """For one database."""

    def __init__(self, facts: Facts) -> None:
        self._facts, self._unsaid = facts, Unsaid(facts)

    def source(self, name: str, alias: str | None = None) -> exp.Table:
        """A table in FROM."""
        table = self._facts.catalogue.tables[name]
        return exp.table_(name, db=table.schema, quoted=True, alias=alias)

    def column(self, meaning: Meaning, alias: str | None = None) -> exp.Column:
        """A column with its table."""
        if meaning.column is None:
            raise Unanswerable("a table where a column is wanted")
        return exp.column(meaning.column, table=alias or meaning.table, quoted=True)

    def link(self, link: Link, own: str | None = None, other: str | None = None) -> exp.Expr:
        """The condition of a join; aliases stand for the referring and the other table."""
        pairs = zip(link.columns, link.target_columns, strict=True)
        return exp.and_(
            *(
                exp.column(a, table=own or link.table, quoted=True).eq(
                    exp.column(b, table=other or link.target, quoted=True)
                )
                for a, b in pairs
            )
        )

    def ordered(self, key: exp.Expr, descending: bool) -> exp.Ordered:
        """NULLs where the engine puts the smallest, but never before what was asked for."""
        first = not descending
        return exp.Ordered(this=key.copy(), desc=descending, nulls_first=first)

    def compare(
        self, value: exp.Expr, operator: Operator, number: float, upper: float | None = None
    ) -> exp.Expr:
        """`value operator number`, or a closed range."""
        literal = _number(number)
        if upper is not None:
            return exp.Between(this=value.copy(), low=literal, high=_number(upper))
        return _OPERATORS[operator](this=value.copy(), expression=literal)

    # -- conditions -------------------------------------------------------------------------

    def conditions(self, draft: Draft, chosen: Resolution, root: str) -> list[exp.Expr]:
        """WHERE, all of it joined by AND."""
        primary = chosen[draft.target].table if draft.target is not None else root
        made: dict[int, exp.Expr] = {}
        for condition in draft.conditions:
            one = self._condition(condition, draft, chosen, primary)
            negate = condition.negated and _plain(condition)
            made[id(condition)] = one.not_() if negate else one
        for first, second in draft.either:
            made[id(first)] = exp.or_(made[id(first)], made.pop(id(second)))
        return list(made.values())

    def _condition(
        self, condition: Condition, draft: Draft, chosen: Resolution, primary: str
    ) -> exp.Expr:
        if isinstance(condition, ValueIs):
            return self._value(condition, chosen)
        if isinstance(condition, NumberIs):
            return self._number(condition, draft, chosen, primary)
        if isinstance(condition, DateIn):
            return self._date(condition, draft, chosen, primary)
        if isinstance(condition, Holds) and condition.of is not None:
            made = self._holds(chosen[condition.of], condition.of, condition.negated)
            if condition.adjective and isinstance(made, exp.Not | exp.Is | exp.GT):
                raise Unanswerable("not a yes-or-no column")
            if condition.alternative is not None:
                other = chosen[condition.alternative]
                made = exp.or_(made, self._holds(other, condition.alternative, condition.negated))
            return made
        if isinstance(condition, Lacks) and condition.of is not None:
            return self._lacks(chosen[condition.of].table, primary)
        raise Unanswerable("a condition without a column")

    def _value(self, condition: ValueIs, chosen: Resolution) -> exp.Expr:
        column = self.column(chosen[condition])
        stored = chosen.values[id(condition)]
        if condition.match != "is" or any(value.partial for value in stored):
            return exp.or_(*(self._like(column, word, condition.match) for word in condition.words))
        values = sorted({text for value in stored for text in value.stored})
        if not values:
            lowered = [exp.Literal.string(word.lower()) for word in condition.words]
            return exp.Lower(this=column).isin(*lowered)
        literals = [exp.Literal.string(value) for value in values]
        return column.eq(literals[0]) if len(literals) == 1 else column.isin(*literals)

    def _like(self, column: exp.Column, word: str, match: str) -> exp.Expr:
        text = word.lower()
        if "%" in text or "_" in text or "\\" in text:
            raise Unanswerable("a pattern with wildcards of its own")
        pattern = f"{'' if match == 'starts' else '%'}{text}{'' if match == 'ends' else '%'}"
        return exp.Like(this=exp.Lower(this=column), expression=exp.Literal.string(pattern))

    def _number(
        self, condition: NumberIs, draft: Draft, chosen: Resolution, primary: str
    ) -> exp.Expr:
        if condition.of is not None:
            meaning = chosen[condition.of]
        else:
            found = self._unsaid.adjective(primary, condition.adjective, draft)
            if found is None or found[1]:
                raise Unanswerable(f"{condition.adjective} by what")
            meaning = found[0]
        column = self._facts.column(meaning)
        if condition.of is None and (column is None or column.kind != "number"):
            raise Unanswerable("a date that is compared to a number")
        if column is not None and column.kind == "text":
            return self.column(meaning).eq(exp.Literal.string(f"{condition.number:g}"))
        return self.compare(
            self.column(meaning), condition.operator, condition.number, condition.upper
        )

    def _holds(self, meaning: Meaning, mention: Mention, negated: bool) -> exp.Expr:
        column = self._facts.column(meaning)
        made = self.column(meaning)
        if column is None:
            raise Unanswerable("a table is not a condition")
        values = {value.lower() for value in column.values or ()}
        if column.kind == "boolean":
            return made.eq(exp.false() if negated else exp.true())
        if values and values <= YES | NO:
            wanted = NO if negated else YES
            kept = sorted(v for v in column.values or () if v.lower() in wanted)
            if not kept:
                raise Unanswerable("no row says yes")
            return made.isin(*(exp.Literal.string(value) for value in kept))
        words = self._facts.labels.columns[meaning.table, column.name]
        if column.kind == "number" and words[0] in ("is", "has", "was"):
            return made.eq(exp.Literal.number(int(not negated)))
        certain = meaning.way in ("exact", "full")
        if column.kind == "number" and column.whole and mention.plural and certain:
            zero = exp.Literal.number(0)
            return made.eq(zero) if negated else exp.GT(this=made, expression=zero)
        if column.kind == "number":
            raise Unanswerable("a number is not a condition")
        missing = made.is_(exp.null())
        return missing if negated else missing.not_()

    def _lacks(self, table: str, primary: str) -> exp.Expr:
        """NOT EXISTS over the way from the row to the table."""
        if table == primary:
            raise Unanswerable("a table that lacks itself")
        steps = self._facts.joins.tree(primary, [Wish(table, 0)], 2)
        if not steps:
            raise Unanswerable("no single way to the table that is missing")
        aliases = {step.table: f"{step.table}_of" for step in steps}
        first, *rest = steps
        inner = exp.Select().select(exp.Literal.number(1))
        inner = inner.from_(self.source(first.table, aliases[first.table]))
        for step in rest:
            own, other = aliases.get(step.link.table), aliases.get(step.link.target)
            inner = inner.join(
                self.source(step.table, aliases[step.table]), on=self.link(step.link, own, other)
            )
        own, other = aliases.get(first.link.table), aliases.get(first.link.target)
        inner = inner.where(self.link(first.link, own, other))
        return exp.Exists(this=inner).not_()

    # -- time -------------------------------------------------------------------------------

    def time_groups(self, draft: Draft, chosen: Resolution, root: str) -> dict[int, exp.Expr]:
        """Expressions for calendar units, by the group's identity."""
        found: dict[int, exp.Expr] = {}
        for group in draft.groups:
            if not isinstance(group, TimeGroup):
                continue
            meaning = self._unsaid.date_column(chosen, draft, root, group.place, False)
            if meaning is None or group.unit not in FORMATS:
                raise Unanswerable("no date to group by")
            found[id(group)] = exp.TimeToStr(
                this=self.column(meaning), format=exp.Literal.string(FORMATS[group.unit])
            )
        return found

    def _date(self, condition: DateIn, draft: Draft, chosen: Resolution, primary: str) -> exp.Expr:
        span = condition.span
        if condition.of is not None:
            meaning: Meaning | None = chosen[condition.of]
        else:
            years = _whole_years(span)
            meaning = self._unsaid.date_column(chosen, draft, primary, condition.place, years)
        if meaning is None:
            raise Unanswerable("it is not clear which date is meant")
        column = self._facts.column(meaning)
        if column is not None and column.kind == "number":
            return self._years(self.column(meaning), span)
        return self._days(self.column(meaning), span)

    def _years(self, column: exp.Column, span: Span) -> exp.Expr:
        if not _whole_years(span):
            raise Unanswerable("days in a column of years")
        first = span.first.year if span.first else None
        last = span.end.year - 1 if span.end else None
        if first is not None and first == last:
            return column.eq(exp.Literal.number(first))
        bounds: list[exp.Expr] = []
        if first is not None:
            bounds.append(exp.GTE(this=column.copy(), expression=exp.Literal.number(first)))
        if last is not None:
            bounds.append(exp.LTE(this=column.copy(), expression=exp.Literal.number(last)))
        return exp.and_(*bounds)

    def _days(self, column: exp.Column, span: Span) -> exp.Expr:
        bounds: list[exp.Expr] = []
        if span.first is not None:
            bounds.append(exp.GTE(this=column.copy(), expression=self._day(span.first)))
        if span.end is not None:
            bounds.append(exp.LT(this=column.copy(), expression=self._day(span.end)))
        if not bounds:
            raise Unanswerable("a month of no year")
        return exp.and_(*bounds)

    def _day(self, day: date) -> exp.Expr:
        literal = exp.Literal.string(day.isoformat())
        # SQLite has no dates: ISO text compares as it should.
        return literal if self._facts.catalogue.dialect == "sqlite" else exp.cast(literal, "date")


def _plain(condition: Condition) -> bool:
    """Whether NOT goes around it; the others build their own."""
    return isinstance(condition, ValueIs | NumberIs | DateIn)


def _whole_years(span: Span) -> bool:
    bounds = [bound for bound in (span.first, span.end) if bound is not None]
    return bool(bounds) and all(bound.month == bound.day == 1 for bound in bounds)


def _number(value: float) -> exp.Expr:
    text = f"{int(value)}" if value == int(value) else repr(value)
    return exp.Literal.number(text)
