"""From a resolved draft to a syntax tree. Literals are nodes; no text is ever put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from retrievers.sql.catalogue.labels import Labels
from retrievers.sql.catalogue.names import squash
from retrievers.sql.questions.draft import (
    Draft,
    Having,
    Lacks,
    Measure,
    Mention,
    Sort,
    TimeGroup,
)
from retrievers.sql.questions.errors import Unanswerable
from retrievers.sql.questions.statement.clauses import Clauses
from retrievers.sql.questions.statement.joins import Joins, Step, Wish
from retrievers.sql.questions.statement.resolve import Resolution, Resolver
from retrievers.sql.questions.vocabulary import Meaning
from retrievers.sql.schema import Catalogue, Table

MOST_JOINS = 4
MESSAGES = ("text", "message", "comment", "content", "body", "subject")


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


class Composer:
    """For one catalogue."""

    def __init__(
        self, catalogue: Catalogue, labels: Labels, joins: Joins, resolver: Resolver
    ) -> None:
        self._catalogue, self._labels, self._joins = catalogue, labels, joins
        self._clauses = Clauses(catalogue, labels, joins, resolver)
        self._resolver = resolver

    def compose(self, draft: Draft, chosen: Resolution) -> exp.Select:
        """The statement.

        Raises:
            Unanswerable: A slot does not fit the others, or the tables have no single join.
        """
        self._settle_adjectives(draft, chosen)
        self._settle_own_values(draft, chosen)
        root = self._root(draft, chosen)
        grouped = self._grouped(draft, chosen)
        for head in (draft.target, *draft.groups):
            if isinstance(head, Mention) and grouped:
                chosen.chosen[id(head)] = self._plain(chosen[head], root)
        parts = Parts(root)
        parts.where = self._clauses.conditions(draft, chosen, root)
        times = self._clauses.time_groups(draft, chosen, root)
        parts.steps = self._steps(draft, chosen, root)
        if draft.counts_target:
            return self._count_of_groups(draft, chosen, parts)
        if any(m.function == "avg" and chosen[m].column is None for m in draft.measures):
            return self._average_of_counts(draft, chosen, parts)
        self._plain_havings(draft, chosen, parts)
        grouped = self._grouped(draft, chosen)
        if grouped:
            self._fill_grouped(draft, chosen, parts, times)
        elif draft.measures and draft.target is None:
            self._fill_totals(draft, chosen, parts)
        else:
            self._fill_list(draft, chosen, parts)
        self._sort(draft, chosen, parts, grouped)
        return self._select(parts, draft.limit or self._implied_limit(draft))

    def _settle_adjectives(self, draft: Draft, chosen: Resolution) -> None:
        """`the longest river` is the one of the greatest length."""
        ranking = draft.ranking
        if ranking is None or ranking.by is not None:
            return
        if draft.target is None or chosen[draft.target].column is not None:
            raise Unanswerable("nothing that could be compared")
        table = chosen[draft.target].table
        found = self._resolver.adjective(table, ranking.adjective, draft)
        if found is None:
            raise Unanswerable(f"{ranking.adjective} by what")
        meaning, turned = found
        by = Mention(ranking.adjective, (meaning,), draft.target.place)
        chosen.put(by, meaning, meaning.score)
        descending = ranking.descending != turned
        draft.ranking = Sort(by, descending)

    def _settle_own_values(self, draft: Draft, chosen: Resolution) -> None:
        """`the number of reviews`, where each row holds it, is a column like others."""
        if draft.target is None or draft.groups or draft.havings:
            return
        for measure in list(draft.measures):
            if measure.function != "count" or self._own_value(measure, chosen, draft) is None:
                continue
            meaning = chosen[measure]
            shown = Mention(measure.of.text, (meaning,), measure.of.place)
            chosen.put(shown, meaning, meaning.score)
            draft.measures.remove(measure)
            draft.outputs = [shown if o is measure else o for o in draft.outputs]
            if not any(o is shown for o in draft.outputs):
                draft.outputs.append(shown)

    # -- from -------------------------------------------------------------------------------

    def _root(self, draft: Draft, chosen: Resolution) -> str:
        """The table whose rows are counted or listed."""
        measures = [*draft.measures, *_measures_of(draft)]
        if draft.target is not None and not measures:
            return chosen[draft.target].table
        if measures:
            return chosen[measures[0]].table
        if draft.target is not None:
            return chosen[draft.target].table
        for output in draft.outputs:
            if output in chosen:
                return chosen[output].table
        raise Unanswerable("nothing to select from")

    def _steps(self, draft: Draft, chosen: Resolution, root: str) -> list[Step]:
        wishes = [
            Wish(chosen[key].table, place, frozenset({role} if role else ()))
            for key, place, role in _places(draft)
            if key in chosen
        ]
        wishes += [Wish(m.table, place) for m, place in self._clauses.dates(chosen)]
        steps = self._joins.tree(root, wishes, MOST_JOINS)
        if steps is None:
            raise Unanswerable("no single way to join the tables")
        return steps

    def _from(self, root: str, steps: Sequence[Step]) -> exp.Select:
        select = exp.Select().from_(self._clauses.source(root))
        for step in steps:
            select = select.join(self._clauses.source(step.table), on=self._clauses.link(step.link))
        return select

    # -- what is shown ----------------------------------------------------------------------

    def _grouped(self, draft: Draft, chosen: Resolution) -> bool:
        if draft.groups or draft.havings:
            return True
        shown = [output for output in draft.outputs if isinstance(output, Mention)]
        if draft.measures and draft.target is None and shown:
            return True  # "the journal and its number of papers"
        for sort in (draft.ranking, *draft.sorts):
            if (
                sort
                and isinstance(sort.by, Measure)
                and draft.target is not None
                and self._own_value(sort.by, chosen, draft) is None
            ):
                return True
        return bool(draft.measures) and draft.target is not None

    def _own_value(self, measure: Measure, chosen: Resolution, draft: Draft) -> exp.Expr | None:
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

    def _fill_grouped(
        self, draft: Draft, chosen: Resolution, parts: Parts, times: dict[int, exp.Expr]
    ) -> None:
        group_tables: set[str] = set()
        heads = [draft.target] if draft.target is not None else []
        for head in (*heads, *draft.groups):
            if isinstance(head, TimeGroup):
                parts.groups.append(times[id(head)])
                parts.outputs.append(times[id(head)])
                continue
            meaning = chosen[head]
            group_tables.add(meaning.table)
            keys, shown = self._identity(meaning)
            asked = self._asked(draft, chosen, meaning)
            _add(parts.groups, (*keys, *shown, *asked))
            _add(parts.outputs, asked or shown)
        for output in draft.outputs:
            if isinstance(output, Mention) and (meaning := chosen[output]).column is None:
                keys, shown = self._identity(meaning)
                _add(parts.groups, (*keys, *shown))
                _add(parts.outputs, shown)
            elif isinstance(output, Mention) and meaning.table not in group_tables:
                column = self._clauses.column(meaning)
                if column not in parts.groups:
                    parts.groups.append(column)
                    parts.outputs.append(column)
        for having in draft.havings:
            parts.having.append(self._having(having, chosen, parts, group_tables))
        for measure in self._shown_measures(draft, chosen):
            value = self._measure(measure, chosen, parts, group_tables)
            summed = measure.function == "count" and isinstance(value, exp.Sum)
            if summed and not draft.groups and chosen[measure].column is not None:
                raise Unanswerable("each one's number or their sum")
            if value not in parts.outputs:
                parts.outputs.append(value)
        ranking = draft.ranking
        if ranking is not None and isinstance(ranking.by, Measure):
            value = self._measure(ranking.by, chosen, parts, group_tables)
            if value not in parts.outputs and not self._named_only(draft):
                parts.outputs.append(value)

    def _plain(self, meaning: Meaning, root: str) -> Meaning:
        """A table as the column that stands for it, where there is no more to it.

        That is the counted rows' own column, if it already says what the other table would show;
        and the name in a table that only lists names for the counted rows (a row per business and
        category), where the same name in two rows is the same thing.
        """
        if meaning.column is not None or meaning.table == root:
            return meaning
        table = self._catalogue.tables[meaning.table]
        shown = self.display(table)
        links = self._joins.between(root, meaning.table)
        if len(links) != 1:
            return meaning
        if links[0].table == root and list(links[0].target_columns) == shown:
            return Meaning(root, links[0].columns[0], meaning.way)
        if links[0].table == meaning.table and len(shown) == 1:
            name = table.column(shown[0])
            if table.rows and not name.unique and name.kind == "text":
                return Meaning(meaning.table, name.name, meaning.way)
        return meaning

    def _asked(self, draft: Draft, chosen: Resolution, head: Meaning) -> list[exp.Expr]:
        """Columns of a group's table that the question names itself."""
        return [
            self._clauses.column(chosen[output])
            for output in draft.outputs
            if isinstance(output, Mention)
            and chosen[output].table == head.table
            and chosen[output].column is not None
        ]

    def _named_only(self, draft: Draft) -> bool:
        """`the title of the publication with the most …` asks for the title alone."""
        return bool(draft.outputs) and not draft.measures

    def _shown_measures(self, draft: Draft, chosen: Resolution) -> Iterator[Measure]:
        seen: set[tuple[str, Meaning]] = set()
        told = [output for output in draft.outputs if isinstance(output, Measure)]
        for measure in told or draft.measures:
            mark = (measure.function, chosen[measure])
            if mark not in seen:
                seen.add(mark)
                yield measure

    def _fill_totals(self, draft: Draft, chosen: Resolution, parts: Parts) -> None:
        for measure in self._shown_measures(draft, chosen):
            parts.outputs.append(self._measure(measure, chosen, parts, set()))

    def _fill_list(self, draft: Draft, chosen: Resolution, parts: Parts) -> None:
        target = chosen[draft.target] if draft.target is not None else None
        for output in draft.outputs:
            if not isinstance(output, Mention):
                continue
            meaning = chosen[output]
            for column in self._identity(meaning)[1]:
                if column not in parts.outputs:
                    parts.outputs.append(column)
        own = [o for o in draft.outputs if isinstance(o, Mention)]
        beside = bool(own) and draft.target is not None and own[0].place > draft.target.place
        if target is not None and (not parts.outputs or beside or draft.each):
            shown = self._identity(target)[1]
            explicit = self._has_name(own, chosen, target)
            if not explicit:
                parts.outputs[:0] = [s for s in shown if s not in parts.outputs]
        ranking = draft.ranking
        if ranking is not None and isinstance(ranking.by, Mention | Measure):
            value = self._clauses.column(chosen[ranking.by])
            parts.where.append(value.is_(exp.null()).not_())
            if value not in parts.outputs and not (own and not beside):
                parts.outputs.append(value)
        lists_values = target is None or draft.target is None
        if target is not None and draft.target is not None and target.column is not None:
            lists_values = not self._said_with_table(draft.target, target)
        fans = bool(parts.steps) and bool(self._fans(parts.root, parts))
        parts.distinct = draft.distinct or fans or lists_values
        if ranking is not None:
            parts.distinct = False

    def _said_with_table(self, mention: Mention, meaning: Meaning) -> bool:
        """`ticker symbols` are one per ticker, `countries` are one per country."""
        subject = squash(self._labels.tables[meaning.table])
        said = squash(mention.text.split())
        return said.startswith(subject) and said != subject

    def _has_name(self, outputs: Sequence[Mention], chosen: Resolution, target: Meaning) -> bool:
        """Whether what is asked for already says which row it is."""
        shown = {column.name for column in self._identity(target)[1]}
        key = set(self._catalogue.tables[target.table].key)
        names = {chosen[o].column for o in outputs if chosen[o].table == target.table}
        return bool(names & (shown | key))

    def _plain_havings(self, draft: Draft, chosen: Resolution, parts: Parts) -> None:
        """`with more than 3 reviews`, where the thing's own row holds the number."""
        for having in list(draft.havings):
            meaning = chosen[having.measure]
            column = self._resolver.column(meaning)
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

    # -- measures ---------------------------------------------------------------------------

    def _measure(
        self, measure: Measure, chosen: Resolution, parts: Parts, groups: set[str]
    ) -> exp.Expr:
        meaning = chosen[measure]
        fans = self._fans(meaning.table, parts)
        if measure.function == "count" and meaning.way != "counted":
            return self._count(measure, meaning, fans)
        if fans - self._towards(meaning.table, groups, parts):
            raise Unanswerable("a join would repeat the rows that are added up")
        column = self._clauses.column(meaning)
        function = "sum" if measure.function == "count" else measure.function
        kinds = {"sum": exp.Sum, "avg": exp.Avg, "min": exp.Min, "max": exp.Max}
        return kinds[function](this=column)

    def _count(self, measure: Measure, meaning: Meaning, fans: set[str]) -> exp.Expr:
        table = self._catalogue.tables[meaning.table]
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
        column = self._resolver.column(meaning)
        words = self._labels.columns[meaning.table, meaning.column or ""]
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

    def _fans(self, table: str, parts: Parts) -> set[str]:
        """Tables whose joins repeat rows of a table."""
        around: dict[str, list[tuple[str, bool]]] = {}
        for step in parts.steps:
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
                    unique = self._one_to_one(here, there, parts)
                    now = fanned or (fans and not unique)
                    if now:
                        found.add(there)
                    waiting.append((there, now))
        return found

    def _one_to_one(self, here: str, there: str, parts: Parts) -> bool:
        """Whether the referring column is a key itself, so that each row has one partner."""
        for step in parts.steps:
            if {step.link.table, step.link.target} == {here, there}:
                key = self._catalogue.tables[step.link.table].key
                return bool(key) and set(key) == set(step.link.columns)
        return False

    def _towards(self, table: str, groups: set[str], parts: Parts) -> set[str]:
        """Tables on the way from a table to those it is grouped by."""
        parents: dict[str, str] = {}
        waiting = [table]
        while waiting:
            here = waiting.pop()
            for step in parts.steps:
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

    def _having(
        self, having: Having, chosen: Resolution, parts: Parts, groups: set[str]
    ) -> exp.Expr:
        value = self._measure(having.measure, chosen, parts, groups)
        return self._clauses.compare(value, having.operator, having.number, having.upper)

    def _count_of_groups(self, draft: Draft, chosen: Resolution, parts: Parts) -> exp.Select:
        """`how many authors have more than 2 papers`."""
        if draft.target is None:
            raise Unanswerable("nothing to count")
        meaning = chosen[draft.target]
        keys, _ = self._identity(meaning)
        having = [self._having(h, chosen, parts, {meaning.table}) for h in draft.havings]
        inner = self._from(parts.root, parts.steps).select(*keys).group_by(*keys)
        for condition in parts.where:
            inner = inner.where(condition)
        for condition in having:
            inner = inner.having(condition)
        return exp.Select().select(exp.Count(this=exp.Star())).from_(inner.subquery("counted"))

    def _average_of_counts(self, draft: Draft, chosen: Resolution, parts: Parts) -> exp.Select:
        """`the average number of authors per paper`."""
        group = draft.groups[0] if len(draft.groups) == 1 else None
        more = draft.outputs or draft.hints or draft.havings or len(draft.measures) != 1
        if not isinstance(group, Mention) or more:
            raise Unanswerable("an average of counts of what")
        meaning = chosen[group]
        keys, _ = self._identity(meaning)
        (measure,) = draft.measures
        fans = self._fans(chosen[measure].table, parts)
        value = self._count(measure, chosen[measure], fans)
        inner = self._from(parts.root, parts.steps).select(exp.alias_(value, "n", quoted=True))
        for condition in parts.where:
            inner = inner.where(condition)
        inner = inner.group_by(*keys)
        mean = exp.Avg(this=exp.column("n", table="counted", quoted=True))
        outer = exp.Select().select(exp.alias_(mean, "average", quoted=True))
        return outer.from_(inner.subquery("counted"))

    # -- rows -------------------------------------------------------------------------------

    def _identity(self, meaning: Meaning) -> tuple[list[exp.Expr], list[exp.Expr]]:
        """What tells the things apart, and what is shown of them."""
        if meaning.column is not None:
            column: exp.Expr = self._clauses.column(meaning)
            return [column], [column]
        table = self._catalogue.tables[meaning.table]
        names = self.display(table)
        shown: list[exp.Expr] = [self._of(table, name) for name in names]
        keys: list[exp.Expr] = [self._of(table, key) for key in table.key]
        certain = any(table.column(name).unique for name in names) or len(names) > 1
        if keys and not certain and len(keys) == 1:
            shown += [key for key in keys if key not in shown]
        return keys or shown, shown

    def _of(self, table: Table, column: str) -> exp.Column:
        return self._clauses.column(Meaning(table.name, column, "full"))

    def names(self, meaning: Meaning) -> bool:
        """Whether a column is what its table's rows are called by."""
        return meaning.column in self.display(self._catalogue.tables[meaning.table])

    def display(self, table: Table) -> list[str]:
        """Columns that name a row of a table for people."""
        words = {c.name: self._labels.columns[table.name, c.name] for c in table.columns}
        subject = self._labels.tables[table.name]
        text = [c.name for c in table.columns if c.kind == "text"]
        first = [
            n for n in text if words[n][-2:] == ("first", "name") or words[n] == ("firstname",)
        ]
        last = [n for n in text if words[n][-2:] == ("last", "name") or words[n] == ("lastname",)]
        own = squash(subject)
        wanted = (own + "name", "name", "fullname", "companyname")
        for name in wanted:
            for column in text:
                if squash(words[column]) == name:
                    return [column]
        if first and last:
            return [first[0], last[0]]
        for name in (own + "title", "title", own):
            for column in text:
                if squash(words[column]) == name:
                    return [column]
        for ending in ("name", "title", "label", "symbol", "description", *MESSAGES):
            named = [n for n in text if words[n][-1] == ending]
            if len(named) == 1 or (named and table.column(named[0]).unique):
                return [named[0]]
        return list(table.key) or text[:1] or [table.columns[0].name]

    def _implied_limit(self, draft: Draft) -> int | None:
        """One thing is asked for: `which author has the most …`."""
        ranking = draft.ranking
        if ranking is None or draft.sorts:
            return None
        asked = draft.target or next((o for o in draft.outputs if isinstance(o, Mention)), None)
        return None if asked is not None and asked.plural else 1

    def _sort(self, draft: Draft, chosen: Resolution, parts: Parts, grouped: bool) -> None:
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
            ties = [(key, False) for key in self._identity(chosen[draft.target])[0]]
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
            own = self._own_value(sort.by, chosen, draft)
            if own is not None and not grouped:
                return [own]
            return [self._measure(sort.by, chosen, parts, groups)]
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
            return self._identity(meaning)[1][:1]
        measures = [o for o in parts.outputs if o.find(exp.AggFunc)]
        return measures[:1] or parts.outputs[:1]

    def _select(self, parts: Parts, limit: int | None) -> exp.Select:
        if not parts.outputs:
            raise Unanswerable("nothing to show")
        select = self._from(parts.root, parts.steps).select(*_named(parts.outputs))
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
            select = select.order_by(*(self._clauses.ordered(k, d) for k, d in parts.order))
        return select.limit(limit) if limit else select


def _named(outputs: Sequence[exp.Expr]) -> Iterator[exp.Expr]:
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


def _add(known: list[exp.Expr], more: Iterable[exp.Expr]) -> None:
    """Append what is not there yet."""
    for one in more:
        if one not in known:
            known.append(one)


def _measures_of(draft: Draft) -> Iterator[Measure]:
    """Measures that sort or filter."""
    for sort in (*([draft.ranking] if draft.ranking else []), *draft.sorts):
        if isinstance(sort.by, Measure):
            yield sort.by
    yield from (having.measure for having in draft.havings)


def _places(draft: Draft) -> Iterator[tuple[object, int, str]]:
    """Every slot that needs a table, where it was said, and the preposition before it."""
    heads = [draft.target] if draft.target is not None else []
    for mention in (*heads, *draft.groups, *draft.hints, *draft.outputs):
        if isinstance(mention, Mention):
            yield mention, mention.place, mention.role
    for measure in (*draft.measures, *_measures_of(draft)):
        yield measure, measure.of.place, measure.of.role
    for sort in (*([draft.ranking] if draft.ranking else []), *draft.sorts):
        if isinstance(sort.by, Mention):
            yield sort.by, sort.by.place, ""
    for condition in draft.conditions:
        if isinstance(condition, Lacks):
            continue  # what is missing cannot be joined
        of = getattr(condition, "of", None)
        if isinstance(of, Mention):
            yield of, of.place, of.role
        other = getattr(condition, "alternative", None)
        if isinstance(other, Mention):
            yield other, other.place, other.role
        yield condition, condition.place, getattr(condition, "role", "")
