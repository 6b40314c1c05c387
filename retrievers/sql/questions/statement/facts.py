"""What is known of one database: its schema, what its names mean, how its tables join."""

from __future__ import annotations

from collections.abc import Iterable

from retrievers.sql.catalogue.labels import Labels
from retrievers.sql.catalogue.names import singular, squash
from retrievers.sql.questions.language.meanings import PERSONS
from retrievers.sql.questions.language.stems import Stems
from retrievers.sql.questions.naming import Meaning
from retrievers.sql.questions.statement.joins import Joins
from retrievers.sql.schema import Catalogue, Column, Table

MESSAGES = ("text", "message", "comment", "content", "body", "subject")


class Facts:
    """For one catalogue; shared by everything that makes statements for it."""

    def __init__(self, catalogue: Catalogue, labels: Labels, stems: Stems) -> None:
        self.catalogue, self.labels, self.stems = catalogue, labels, stems
        self.joins = Joins(catalogue)

    def table(self, meaning: Meaning) -> Table:
        """The table of a meaning, or of its column."""
        return self.catalogue.tables[meaning.table]

    def words(self, meaning: Meaning) -> tuple[str, ...]:
        """Words of a column's name, or of a table's."""
        if meaning.column is None:
            return self.labels.tables[meaning.table]
        return self.labels.columns[meaning.table, meaning.column]

    def column(self, meaning: Meaning) -> Column | None:
        """The column of a meaning; None for a table."""
        if meaning.column is None:
            return None
        return self.catalogue.tables[meaning.table].column(meaning.column)

    def is_key(self, meaning: Meaning) -> bool:
        """Whether a column identifies or refers, so that no sum of it makes sense."""
        if meaning.column is None:
            return False
        table = self.catalogue.tables[meaning.table]
        linked = bool(self.joins.links(meaning.table, meaning.column))
        return linked or (table.key == (meaning.column,) and meaning.column.lower().endswith("id"))

    def titles(self, table: str) -> list[Meaning]:
        """Columns that name a row."""
        found = []
        for column in self.catalogue.tables[table].columns:
            words = self.labels.columns[table, column.name]
            own = squash(self.labels.tables[table])
            named = words[-1] in ("name", "title", "label", "code", "symbol")
            if column.kind == "text" and (named or squash(words) == own):
                found.append(Meaning(table, column.name, "full"))
        return found

    def events_of(self, table: str) -> set[str]:
        """Stems of what a table's dates are called: the verbs of its rows (`sailed`)."""
        return {
            self.stems(word)
            for column in self.catalogue.tables[table].columns
            if column.kind in ("date", "datetime")
            for word in self.labels.columns[table, column.name]
        }

    def person(self, table: str) -> str | None:
        """The table of persons nearest to a table, if there is one such; it may be the table."""
        near = sorted(
            (self.joins.distance(table, name), name)
            for name, words in self.labels.tables.items()
            if singular(words[-1]) in PERSONS and self.catalogue.tables[name].asked
        )
        if not near or near[0][0] > 3 or (len(near) > 1 and near[0][0] == near[1][0]):
            return None
        return near[0][1]

    def is_title(self, meaning: Meaning) -> bool:
        """Whether a column names the rows of its table."""
        return any(m.column == meaning.column for m in self.titles(meaning.table))

    def words_of(self, table: str, column: str) -> set[str]:
        """Stems of a column's own words."""
        return {self.stems(word) for word in self.labels.columns.get((table, column), ())}

    def claimed(self, meanings: Iterable[Meaning]) -> set[str]:
        """Stems of the words in the names of what was chosen."""
        found: set[str] = set()
        for meaning in meanings:
            words = self.labels.tables[meaning.table]
            if meaning.column is not None:
                words = (*words, *self.labels.columns[meaning.table, meaning.column])
            found.update(self.stems(word) for word in words)
        return found

    def names(self, meaning: Meaning) -> bool:
        """Whether a column is what its table's rows are called by."""
        return meaning.column in self.display(self.catalogue.tables[meaning.table])

    def display(self, table: Table) -> list[str]:
        """Columns that name a row of a table for people."""
        words = {c.name: self.labels.columns[table.name, c.name] for c in table.columns}
        subject = self.labels.tables[table.name]
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
