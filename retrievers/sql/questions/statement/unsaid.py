"""Columns that a question means without naming them: `the longest river`, `joined in 2021`."""

from __future__ import annotations

from collections.abc import Mapping

from retrievers.sql.catalogue.names import squash
from retrievers.sql.questions.draft import Draft, Mention, TimeGroup, Unit
from retrievers.sql.questions.language.meanings import ADJECTIVES, REVERSED
from retrievers.sql.questions.naming import Meaning
from retrievers.sql.questions.statement.facts import Facts
from retrievers.sql.questions.statement.resolve import Resolution

UNITS_OF_TIME: Mapping[str, Unit] = {
    "day": "day",
    "month": "month",
    "quarter": "quarter",
    "year": "year",
}
AUDIT = frozenset({"created", "updated", "modified", "timestamp", "inserted", "deleted"})


class Unsaid:
    """For one database."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def adjective(self, table: str, adjective: str, draft: Draft) -> tuple[Meaning, bool] | None:
        """The column a superlative measures in a table, and whether its order is turned round."""
        said = {self._facts.stems(word) for word, _ in draft.words}
        for noun in ADJECTIVES.get(adjective, ()):
            found: list[tuple[int, str]] = []
            for column in self._facts.catalogue.tables[table].columns:
                words = self._facts.labels.columns[table, column.name]
                named = set(noun.split()) <= {*words, squash(words)}
                if (
                    named
                    and column.kind in ("number", "date", "datetime")
                    and not self._facts.is_key(Meaning(table, column.name, "part"))
                ):
                    overlap = len(said & {self._facts.stems(word) for word in words})
                    found.append((overlap, column.name))
            found.sort(key=lambda item: (-item[0], item[1]))
            if len(found) > 1 and found[0][0] == found[1][0]:
                return None
            if found:
                column = self._facts.catalogue.tables[table].column(found[0][1])
                dated = column.kind != "number" or "year" in found[0][1].lower()
                return Meaning(table, column.name, "part"), adjective in REVERSED and dated
        return None

    def settle_time(self, draft: Draft) -> None:
        """`in each year`: of the counted rows' dates, unless they have a column called so."""
        counted = {m.table for measure in draft.measures for m in measure.of.tables}
        for place, group in enumerate(draft.groups):
            if not isinstance(group, Mention) or group.text not in UNITS_OF_TIME:
                continue
            if counted & {meaning.table for meaning in group.columns}:
                continue
            dated = any(
                column.kind in ("date", "datetime")
                for table in counted
                for column in self._facts.catalogue.tables[table].columns
            )
            if dated:
                draft.groups[place] = TimeGroup(UNITS_OF_TIME[group.text], None, group.place)

    def date_column(
        self, resolution: Resolution, draft: Draft, primary: str, place: int, years: bool
    ) -> Meaning | None:
        """The one date column that is meant where none is named.

        Args:
            primary: The table whose rows are counted or listed.
            years: Whether a column that holds years will do.
        """
        near = [*draft.words, *draft.verbs]
        said = {self._facts.stems(word) for word, at in near if abs(at - place) <= 6}
        found: list[tuple[float, Meaning]] = []
        for table in sorted(resolution.tables):
            for column in self._facts.catalogue.tables[table].columns:
                words = self._facts.labels.columns[table, column.name]
                year = years and column.kind == "number" and words[-1] == "year"
                if column.kind not in ("date", "datetime") and not year:
                    continue
                stems = {self._facts.stems(word) for word in words}
                score = 1.0 * len(stems & said) + 0.5 * (table == primary)
                score -= 0.8 * bool(AUDIT & set(words) and not stems & said)
                found.append((score, Meaning(table, column.name, "part")))
        found.sort(key=lambda item: (-item[0], item[1].table, item[1].column or ""))
        if not found or (len(found) > 1 and found[0][0] - found[1][0] < 0.3):
            return None
        return found[0][1]
