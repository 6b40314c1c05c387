"""What the rows of a result stand for, and how they are shown to people."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from retrievers.sql.catalogue.names import squash
from retrievers.sql.questions.draft import Mention
from retrievers.sql.questions.naming import Meaning
from retrievers.sql.questions.statement.clauses import Clauses
from retrievers.sql.questions.statement.facts import Facts
from retrievers.sql.questions.statement.resolve import Resolution
from retrievers.sql.schema import Table


class Things:
    """For one database."""

    def __init__(self, facts: Facts, clauses: Clauses) -> None:
        self._facts, self._clauses = facts, clauses

    def identity(self, meaning: Meaning) -> tuple[list[exp.Expr], list[exp.Expr]]:
        """What tells the things apart, and what is shown of them."""
        if meaning.column is not None:
            column: exp.Expr = self._clauses.column(meaning)
            return [column], [column]
        table = self._facts.catalogue.tables[meaning.table]
        names = self._facts.display(table)
        shown: list[exp.Expr] = [self._of(table, name) for name in names]
        keys: list[exp.Expr] = [self._of(table, key) for key in table.key]
        certain = any(table.column(name).unique for name in names) or len(names) > 1
        if keys and not certain and len(keys) == 1:
            shown += [key for key in keys if key not in shown]
        return keys or shown, shown

    def _of(self, table: Table, column: str) -> exp.Column:
        return self._clauses.column(Meaning(table.name, column, "full"))

    def plain(self, meaning: Meaning, root: str) -> Meaning:
        """A table as the column that stands for it, where there is no more to it.

        That is the counted rows' own column, if it already says what the other table would show;
        and the name in a table that only lists names for the counted rows (a row per business and
        category), where the same name in two rows is the same thing.
        """
        if meaning.column is not None or meaning.table == root:
            return meaning
        table = self._facts.catalogue.tables[meaning.table]
        shown = self._facts.display(table)
        links = self._facts.joins.between(root, meaning.table)
        if len(links) != 1:
            return meaning
        if links[0].table == root and list(links[0].target_columns) == shown:
            return Meaning(root, links[0].columns[0], meaning.way)
        if links[0].table == meaning.table and len(shown) == 1:
            name = table.column(shown[0])
            if table.rows and not name.unique and name.kind == "text":
                return Meaning(meaning.table, name.name, meaning.way)
        return meaning

    def said_with_table(self, mention: Mention, meaning: Meaning) -> bool:
        """`ticker symbols` are one per ticker, `countries` are one per country."""
        subject = squash(self._facts.labels.tables[meaning.table])
        said = squash(mention.text.split())
        return said.startswith(subject) and said != subject

    def has_name(self, outputs: Sequence[Mention], chosen: Resolution, target: Meaning) -> bool:
        """Whether what is asked for already says which row it is."""
        shown = {column.name for column in self.identity(target)[1]}
        key = set(self._facts.catalogue.tables[target.table].key)
        names = {chosen[o].column for o in outputs if chosen[o].table == target.table}
        return bool(names & (shown | key))
