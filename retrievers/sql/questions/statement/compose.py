"""From a resolved draft to a syntax tree. Literals are nodes; no text is ever put together."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from retrievers.sql.questions.draft import Draft, Lacks, Measure, Mention, Sort, TimeGroup
from retrievers.sql.questions.errors import Unanswerable
from retrievers.sql.questions.naming import Meaning
from retrievers.sql.questions.statement.clauses import Clauses
from retrievers.sql.questions.statement.facts import Facts
from retrievers.sql.questions.statement.fans import repeated
from retrievers.sql.questions.statement.joins import Step, Wish
from retrievers.sql.questions.statement.measured import Measured
from retrievers.sql.questions.statement.order import Order
from retrievers.sql.questions.statement.resolve import Resolution
from retrievers.sql.questions.statement.select import Parts, add, render
from retrievers.sql.questions.statement.things import Things
from retrievers.sql.questions.statement.unsaid import Unsaid

MOST_JOINS = 4


class Composer:
    """For one database."""

    def __init__(self, facts: Facts) -> None:
        self._facts, self._clauses = facts, Clauses(facts)
        self._things = Things(facts, self._clauses)
        self._measured = Measured(facts, self._clauses, self._things)
        self._order = Order(self._clauses, self._things, self._measured)
        self._unsaid = Unsaid(facts)

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
                chosen.chosen[id(head)] = self._things.plain(chosen[head], root)
        parts = Parts(root)
        parts.where = self._clauses.conditions(draft, chosen, root)
        times = self._clauses.time_groups(draft, chosen, root)
        parts.steps = self._steps(draft, chosen, root)
        if draft.counts_target:
            return self._measured.count_of_groups(draft, chosen, parts)
        if any(m.function == "avg" and chosen[m].column is None for m in draft.measures):
            return self._measured.average_of_counts(draft, chosen, parts)
        self._measured.plain_havings(draft, chosen, parts)
        grouped = self._grouped(draft, chosen)
        if grouped:
            self._fill_grouped(draft, chosen, parts, times)
        elif draft.measures and draft.target is None:
            self._fill_totals(draft, chosen, parts)
        else:
            self._fill_list(draft, chosen, parts)
        self._order.sort(draft, chosen, parts, grouped)
        return render(parts, self._clauses, draft.limit or self._order.implied_limit(draft))

    def _settle_adjectives(self, draft: Draft, chosen: Resolution) -> None:
        """`the longest river` is the one of the greatest length."""
        ranking = draft.ranking
        if ranking is None or ranking.by is not None:
            return
        if draft.target is None or chosen[draft.target].column is not None:
            raise Unanswerable("nothing that could be compared")
        table = chosen[draft.target].table
        found = self._unsaid.adjective(table, ranking.adjective, draft)
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
            if (
                measure.function != "count"
                or self._measured.own_value(measure, chosen, draft) is None
            ):
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
        steps = self._facts.joins.tree(root, wishes, MOST_JOINS)
        if steps is None:
            raise Unanswerable("no single way to join the tables")
        return steps

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
                and self._measured.own_value(sort.by, chosen, draft) is None
            ):
                return True
        return bool(draft.measures) and draft.target is not None

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
            keys, shown = self._things.identity(meaning)
            asked = self._asked(draft, chosen, meaning)
            add(parts.groups, (*keys, *shown, *asked))
            add(parts.outputs, asked or shown)
        for output in draft.outputs:
            if isinstance(output, Mention) and (meaning := chosen[output]).column is None:
                keys, shown = self._things.identity(meaning)
                add(parts.groups, (*keys, *shown))
                add(parts.outputs, shown)
            elif isinstance(output, Mention) and meaning.table not in group_tables:
                column = self._clauses.column(meaning)
                if column not in parts.groups:
                    parts.groups.append(column)
                    parts.outputs.append(column)
        for having in draft.havings:
            parts.having.append(self._measured.having(having, chosen, parts, group_tables))
        for measure in self._shown_measures(draft, chosen):
            value = self._measured.measure(measure, chosen, parts, group_tables)
            summed = measure.function == "count" and isinstance(value, exp.Sum)
            own = chosen[measure].column is not None and not measure.total
            if summed and not draft.groups and own:
                raise Unanswerable("each one's number or their sum")
            if value not in parts.outputs:
                parts.outputs.append(value)
        ranking = draft.ranking
        if ranking is not None and isinstance(ranking.by, Measure):
            value = self._measured.measure(ranking.by, chosen, parts, group_tables)
            if value not in parts.outputs and not self._named_only(draft):
                parts.outputs.append(value)

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
            parts.outputs.append(self._measured.measure(measure, chosen, parts, set()))

    def _fill_list(self, draft: Draft, chosen: Resolution, parts: Parts) -> None:
        target = chosen[draft.target] if draft.target is not None else None
        for output in draft.outputs:
            if not isinstance(output, Mention):
                continue
            meaning = chosen[output]
            for column in self._things.identity(meaning)[1]:
                if column not in parts.outputs:
                    parts.outputs.append(column)
        own = [o for o in draft.outputs if isinstance(o, Mention)]
        beside = bool(own) and draft.target is not None and own[0].place > draft.target.place
        if target is not None and (not parts.outputs or beside or draft.each):
            shown = self._things.identity(target)[1]
            explicit = self._things.has_name(own, chosen, target)
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
            lists_values = not self._things.said_with_table(draft.target, target)
        fans = bool(parts.steps) and bool(repeated(parts.root, parts.steps, self._facts.catalogue))
        parts.distinct = draft.distinct or fans or lists_values
        if ranking is not None:
            parts.distinct = False


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
