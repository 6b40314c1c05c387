"""Walks over a question's items and gives each a role, by the cues around it.

The walk knows English and nothing of the schema but what kind of thing a name may be. What has no
place ends up in `Draft.words`; whoever finishes the draft abstains if such words remain.
"""

from __future__ import annotations

from collections.abc import Sequence

from retrievers.sql.questions.draft import (
    Draft,
    Holds,
    Mention,
    TimeGroup,
)
from retrievers.sql.questions.language.lexicon import GENERIC_NOUNS
from retrievers.sql.questions.walk import conditions, grouping, measures, ranking
from retrievers.sql.questions.walk.cues import (
    ABOUT,
    AGGREGATES,
    DIRECTIVES,
    MORE,
    OPERATORS,
    ROLES,
    TIME_UNITS,
)
from retrievers.sql.questions.walk.items import Item


class Walk:
    """One pass over one question."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.draft = Draft()
        self.bare: list[tuple[Mention, int]] = []
        self.output = False  # inside "Return the …" after the question proper
        self.sorting = False  # inside "ordered by …"
        self.pending: list[float] = []  # numbers that wait for a superlative
        self.negated = False  # the next value is one to leave out
        self.passed: list[int] = []  # places of values inside the measure just read
        self.at = 0

    def run(self) -> None:
        """Settle everything in the draft but target, hints and outputs of the main part."""
        opening = [item.low for item in self.items[:2]]
        if opening in (["is", "there"], ["are", "there"], ["were", "there"], ["was", "there"]):
            self.draft.exists, self.at = True, 2
        while self.at < len(self.items):
            before = self.at
            self._step(self.items[before])
            if self.at == before:
                self.at += 1
        if self.pending:
            self.draft.failed = "a number without a place"

    # -- one item ---------------------------------------------------------------------------

    def _step(self, item: Item) -> None:
        if item.kind == "mark":
            self._mark(item)
        elif item.kind == "cue":
            self._cue(item)
        elif item.kind == "name":
            self._name(item)
        elif item.kind == "value":
            conditions.value(self, item)
        elif item.kind == "number":
            conditions.number(self, item)
        elif item.kind == "date":
            conditions.in_date(self, item)
        elif item.kind == "light":
            self._light(item)
        elif item.kind == "word":
            self._word(item)
        elif item.low == "or":
            self.draft.ors.append(self.at)

    def _mark(self, item: Item) -> None:
        if item.low in ".?;":
            self.sorting = False
            self.output = False
        elif item.low not in ",:()-+/&!":
            self.draft.failed = f"the sign {item.low}"

    def _light(self, item: Item) -> None:
        first = not any(i.kind not in ("stop", "mark") for i in self.items[: self.at])
        if item.low in DIRECTIVES and not first and self._clause_begins(self.at):
            self.output, self.sorting = True, False
            return
        self.draft.verbs.append((item.low, self.at))

    def _clause_begins(self, at: int) -> bool:
        before = self.items[at - 1] if at else None
        return before is None or before.kind == "mark" or before.low in ("and", "also", "please")

    def _word(self, item: Item) -> None:
        before, after = self.item(self.at - 1), self.item(self.at + 1)
        if before is not None and before.kind == "name" and item.low in GENERIC_NOUNS:
            return
        if item.low in ABOUT and self._names_value(self.skip(self.at + 1)):
            return
        if item.low in MORE and (after is not None and (after.names or after.is_cue("count"))):
            self.draft.compares = True
            ranking.superlative(self, MORE[item.low])
            return
        beside = [i for i in (before, after) if i is not None and i.kind == "cue"]
        measured = any(i.cue == "count" or i.cue in AGGREGATES for i in beside)
        if item.low in TIME_UNITS and item.low.endswith(("ly", "al")) and measured:
            self.draft.groups.append(TimeGroup(TIME_UNITS[item.low], None, self.at))
            return
        self.draft.words.append((item.low, self.at))

    def _names_value(self, at: int) -> bool:
        """`the keyphrase "deep learning"`: a name and a value of what it names."""
        name, value = self.item(at), self.item(at + 1)
        if name is None or value is None or name.kind != "name":
            return False
        return bool({v.table for v in value.values} & {m.table for m in name.names})

    def _cue(self, item: Item) -> None:
        cue = item.cue
        if cue == "count" or cue in AGGREGATES:
            measures.measure(self)
        elif cue in ("most", "least"):
            ranking.superlative(self, cue == "most")
        elif cue == "group":
            grouping.group(self)
        elif cue == "by":
            grouping.by(self)
        elif cue in ("order", "asc", "desc"):
            grouping.order(self)
        elif cue in OPERATORS:
            conditions.compare(self, OPERATORS[cue])
        elif cue == "between":
            conditions.between(self)
        elif cue in ("after", "before"):
            conditions.open_date(self, cue)
        elif cue == "not":
            conditions.negation(self)
        elif cue in ("named", "contains", "starts", "ends"):
            conditions.text(self, cue)
        elif cue == "in its name":
            conditions.in_its_name(self)
        elif cue == "distinct":
            self.draft.distinct = True

    # -- for conditions ----------------------------------------------------------------------

    def item(self, at: int) -> Item | None:
        """The item at a place, if there is one."""
        return self.items[at] if 0 <= at < len(self.items) else None

    def forget(self, mention: Mention) -> None:
        """A bare name that turned out to belong to a condition."""
        self.bare = [(m, at) for m, at in self.bare if m is not mention]

    def last_places(self, before: int) -> set[tuple[str, str]]:
        """Columns of the value before."""
        while before > 0:
            before -= 1
            if self.items[before].kind == "value":
                return {(v.table, v.column) for v in self.items[before].values}
        return set()

    # -- names and measures -----------------------------------------------------------------

    def mention(self, at: int) -> Mention | None:
        """The name at a place; for a cue that is also a name, that name."""
        if at >= len(self.items) or not self.items[at].names:
            return None
        item = self.items[at]
        role = ""
        if at and self.items[at - 1].low in ROLES:
            role = self.items[at - 1].low
        elif at > 1 and self.items[at - 1].is_cue("group") and self.items[at - 2].low in ROLES:
            role = self.items[at - 2].low
        plural = item.low.endswith("s") and not item.low.endswith("ss")
        return Mention(item.low, item.names, at, role, plural)

    def skip(self, at: int, extra: frozenset[str] = frozenset()) -> int:
        """Past articles and the like."""
        while at < len(self.items):
            item = self.items[at]
            filler = item.kind == "stop" and item.low in {"the", "a", "an", "of", "all", "any"}
            if not filler and item.low not in extra:
                break
            at += 1
        return at

    def _name(self, item: Item) -> None:
        mention = self.mention(self.at)
        if mention is None:
            return
        if item.opposite:
            self.draft.conditions.append(Holds(self.at, True, mention, None, True))
        elif self.describes(mention):
            self.draft.conditions.append(Holds(self.at, False, mention, None, True))
        else:
            self.take(mention)

    def describes(self, mention: Mention) -> bool:
        """`active tickers`: a column's name right before a table's."""
        following = self.mention(mention.place + 1)
        if following is None or self.items[following.place].kind != "name" or mention.tables:
            return False
        return any(meaning.way in ("exact", "full") for meaning in following.tables)

    def take(self, mention: Mention) -> None:
        """A name without a cue."""
        if self.output:
            self.draft.outputs.append(mention)
        else:
            self.bare.append((mention, self.at))
