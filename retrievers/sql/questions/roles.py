"""Walks over a question's items and gives each a role, by the cues around it.

The walk knows English and nothing of the schema but what kind of thing a name may be. What has no
place ends up in `Draft.words`; whoever finishes the draft abstains if such words remain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from retrievers.sql.questions import conditions
from retrievers.sql.questions.draft import (
    Draft,
    Function,
    Holds,
    Measure,
    Mention,
    Operator,
    Sort,
    TimeGroup,
    Unit,
)
from retrievers.sql.questions.items import Item
from retrievers.sql.questions.lexicon import ADJECTIVES, GENERIC_NOUNS

AGGREGATES: dict[str, Function] = {"sum": "sum", "avg": "avg", "max": "max", "min": "min"}
OPERATORS: dict[str, Operator] = {"gt": "gt", "ge": "ge", "lt": "lt", "le": "le"}
OPERATORS |= {"eq": "eq", "ne": "ne"}
TIME_UNITS: dict[str, Unit] = {"day": "day", "month": "month", "quarter": "quarter", "year": "year"}
TIME_UNITS |= {"daily": "day", "monthly": "month", "quarterly": "quarter", "yearly": "year"}
TIME_UNITS |= {"annual": "year", "annually": "year"}
DIRECTIVES = frozenset(
    {"return", "show", "list", "give", "display", "report", "output", "provide", "include"}
)
COMMON = frozenset({"common", "popular", "frequent", "frequently", "commonly", "often"})
POSSESSIVE = frozenset({"their", "its", "his", "her", "your", "corresponding", "respective"})
POSSESSION = frozenset({"with", "have", "has", "had", "having", "that", "include", "includes"})
BEING = frozenset({"is", "are", "was", "were"})
ROLES = frozenset({"from", "to"})


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
        beside = [i for i in (before, after) if i is not None and i.kind == "cue"]
        measured = any(i.cue == "count" or i.cue in AGGREGATES for i in beside)
        if item.low in TIME_UNITS and item.low.endswith(("ly", "al")) and measured:
            self.draft.groups.append(TimeGroup(TIME_UNITS[item.low], None, self.at))
            return
        self.draft.words.append((item.low, self.at))

    def _cue(self, item: Item) -> None:
        cue = item.cue
        if cue == "count" or cue in AGGREGATES:
            self._measure()
        elif cue in ("most", "least"):
            self._superlative(cue == "most")
        elif cue == "group":
            self._group()
        elif cue == "by":
            self._by()
        elif cue in ("order", "asc", "desc"):
            self._order()
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
        elif self._describes(mention):
            self.draft.conditions.append(Holds(self.at, False, mention, None, True))
        else:
            self._take(mention)

    def _describes(self, mention: Mention) -> bool:
        """`active tickers`: a column's name right before a table's."""
        following = self.mention(mention.place + 1)
        if following is None or self.items[following.place].kind != "name" or mention.tables:
            return False
        return any(meaning.way in ("exact", "full") for meaning in following.tables)

    def _take(self, mention: Mention) -> None:
        """A name without a cue."""
        if self.output:
            self.draft.outputs.append(mention)
        else:
            self.bare.append((mention, self.at))

    def read_measure(self, at: int) -> tuple[list[Measure], int] | None:
        """A measure that begins at a place: `total number of unique authors`, `average price`."""
        functions: list[Function] = []
        counted = distinct = False
        start, passed = at, list[int]()
        while at < len(self.items):
            item = self.items[at]
            if item.is_cue("count"):
                counted = True
                distinct = distinct or "different" in item.low
            elif item.kind == "cue" and item.cue in AGGREGATES:
                functions.append(AGGREGATES[item.cue])
            elif item.is_cue("distinct"):
                distinct = True
            elif item.is_cue("most", "least") and functions and at > start:
                return None
            elif item.kind == "value" and self._named_next(at):
                passed.append(at)
            elif item.kind == "value" and (counted or functions):
                if (noun := conditions.as_noun(item, at)) is None:
                    break
                self.passed = [*passed, at]
                return [Measure(f, noun, distinct, counted) for f in functions or ["count"]], at + 1
            elif not (
                (item.kind == "stop" and item.low in ("the", "of", "all", "a", "an"))
                or (item.low in ("and", "or", ",") and functions and self._more_functions(at + 1))
            ):
                break
            at += 1
        mention = self.mention(at)
        if mention is None:
            last = at - 1
            # "the total of each invoice": the cue itself is the column's name.
            while last >= start and not self.items[last].names:
                last -= 1
            mention = self.mention(last) if last >= start else None
            if mention is None or len(functions) > 1:
                return None
            return [Measure("sum", mention)], at
        if not functions and not counted:
            return None
        if counted and (self._describes(mention) or self.items[at].opposite):
            passed.append(at)
            at += 1
            mention = self.mention(at) or mention
        self.passed = passed
        if functions and mention.tables and (own := self._cue_column(start, at, mention)):
            mention = own
        if counted and not functions:
            return [Measure("count", mention, distinct, True)], at + 1
        if counted and functions == ["sum"] and not distinct:
            return [Measure("count", mention, distinct, True)], at + 1
        return [Measure(f, mention, distinct, counted) for f in functions], at + 1

    def _named_next(self, at: int) -> bool:
        """`female patients`: a value before the name that it restricts."""
        following = self.item(at + 1)
        return following is not None and following.kind == "name"

    def _cue_column(self, start: int, end: int, owner: Mention) -> Mention | None:
        """`total of invoices`, where an invoice has a column total."""
        tables = {meaning.table for meaning in owner.tables}
        for item in self.items[start:end]:
            names = tuple(n for n in item.names if n.column and n.table in tables)
            if item.kind == "cue" and names:
                return replace(owner, text=item.low, names=names)
        return None

    def _restrict(self) -> None:
        """Values that a measure skipped become conditions."""
        here = self.at
        for place in self.passed:
            self.at = place
            if self.items[place].kind == "value":
                conditions.value(self, self.items[place])
            elif mention := self.mention(place):
                opposite = self.items[place].opposite
                self.draft.conditions.append(Holds(place, opposite, mention, None, True))
        self.at, self.passed = here, []

    def _more_functions(self, at: int) -> bool:
        at = self.skip(at)
        return at < len(self.items) and self.items[at].cue in AGGREGATES

    def _measure(self) -> None:
        found = self.read_measure(self.at)
        if found is None:
            self.draft.failed = f"nothing to measure after {self.items[self.at].low}"
            return
        measures, self.at = found
        self._restrict()
        self.draft.measures += measures
        if self.output:
            self.draft.outputs += measures
        # "average price and quantity": the function goes on.
        if measures[0].function in ("avg", "sum") and not measures[0].counted:
            at = self.at
            if at + 1 < len(self.items) and self.items[at].low in ("and", ","):
                following = self.mention(self.skip(at + 1))
                if following and not following.tables and self._ends_list(following.place + 1):
                    self.draft.measures.append(replace(measures[0], of=following))
                    if self.output:
                        self.draft.outputs.append(self.draft.measures[-1])
                    self.at = following.place + 1

    def _ends_list(self, at: int) -> bool:
        return at >= len(self.items) or self.items[at].low in (
            *("of", "for", "in", "per", "by", "?", ".", "from", "across"),
            *("for each", "of each", "in each", "by each"),
        )

    # -- superlatives -----------------------------------------------------------------------

    def _superlative(self, descending: bool) -> None:
        item = self.items[self.at]
        low = item.low
        at = self.skip(self.at + 1)
        limit = self._take_limit()
        if at < len(self.items) and self.items[at].kind == "number" and self._whole(at):
            limit, at = int(self.items[at].number or 0), self.skip(at + 1)
        if limit is not None:
            if self.draft.limit not in (None, limit):
                self.draft.failed = "two limits"
            self.draft.limit = limit
        following = self.items[at] if at < len(self.items) else None
        if following is not None and following.kind == "cue":
            if found := self.read_measure(at):
                measures, self.at = found
                self._restrict()
                self._rank(Sort(measures[0], descending))
                return
            if following.is_cue("most", "least"):  # "top 3 highest paid"
                self.at = at
                return
        if following is not None and following.low in COMMON:
            mention = self.mention(self.skip(at + 1))
            if mention is not None:
                self.at = mention.place + 1
                self._rank(Sort(Measure("count", mention), descending))
                self._take(mention)
                return
        if following is not None and low in ("most", "least") and following.low in ADJECTIVES:
            self.at = at + 1
            self._rank(Sort(None, descending, following.low))
            return
        if following is not None and following.kind == "word" and self.mention(at + 1):
            self.draft.words.append((following.low, at))  # "lowest daily price"
            at += 1
        mention = self.mention(at)
        if mention is not None:
            self._rank_by_name(low, descending, mention)
            return
        if low in ("top", "bottom", "best", "worst") and limit is None:
            self.draft.words.append((low, self.at))
        elif low in ("first", "top", "bottom"):
            self.at = at
            self._rank(Sort(None, descending, low))
        else:
            self.at = max(self.at + 1, at)
            self._rank(Sort(None, descending, low))

    def _rank_by_name(self, low: str, descending: bool, mention: Mention) -> None:
        self.at = mention.place + 1
        counting = low in ("most", "fewest", "least", "highest", "lowest")
        if mention.tables and not (counting and low in ("most", "fewest", "least")):
            self._rank(Sort(None, descending, low))
            self._take(mention)
        elif mention.tables:
            self._rank(Sort(Measure("count", mention, False, True), descending))
        elif low in ("top", "bottom") or (low in ADJECTIVES and not _numeric_name(mention, low)):
            self._rank(Sort(None, descending, low))
            self._take(mention)
        else:
            self._rank(Sort(mention, descending))

    def _rank(self, sort: Sort) -> None:
        known = self.draft.ranking
        if known is None or (known.by is None and known.adjective in ("top", "bottom")):
            if known is not None and known.adjective == "bottom":
                sort = replace(sort, descending=False)
            self.draft.ranking = sort
        elif (sort.by is None and sort.adjective in ("top", "bottom")) or _same_sort(known, sort):
            return
        else:
            self.draft.failed = "two superlatives"

    def _take_limit(self) -> int | None:
        if self.pending and self.pending[-1] == int(self.pending[-1]):
            return int(self.pending.pop())
        return None

    def _whole(self, at: int) -> bool:
        number = self.items[at].number
        return number is not None and number == int(number) and 0 < number <= 1000

    # -- grouping and order -----------------------------------------------------------------

    def _group(self) -> None:
        at = self.skip(self.at + 1, frozenset({"individual", "unique", "distinct"}))
        while at < len(self.items) and self.items[at].is_cue("distinct"):
            at = self.skip(at + 1)
        item = self.items[at] if at < len(self.items) else None
        mention = self.mention(at)
        if mention is None and item is not None and item.low in TIME_UNITS:
            self.draft.groups.append(TimeGroup(TIME_UNITS[item.low], None, at))
            self.at = at + 1
            return
        if mention is None or item is None or item.kind == "value":
            self.draft.failed = "nothing to group by"
            return
        self.at = at + 1
        self.draft.groups.append(self._time_group(mention) or mention)
        self._more_groups()

    def _time_group(self, mention: Mention) -> TimeGroup | None:
        """`per month` of a date, where no column is called month."""
        if mention.text in TIME_UNITS and all(m.way != "exact" for m in mention.names):
            return TimeGroup(TIME_UNITS[mention.text], None, mention.place)
        return None

    def _more_groups(self) -> None:
        """`for each author and year`."""
        at = self.at
        if at + 1 < len(self.items) and self.items[at].low in ("and", ","):
            following = self.mention(self.skip(at + 1))
            if following and self._ends_list(following.place + 1):
                self.draft.groups.append(self._time_group(following) or following)
                self.at = following.place + 1

    def _by(self) -> None:
        at = self.skip(self.at + 1)
        if self.sorting:
            self._sort_key(at)
            return
        item = self.items[at] if at < len(self.items) else None
        if item is None:
            self.draft.failed = "nothing after by"
            return
        waiting = self.draft.ranking is not None and self.draft.ranking.by is None
        if item.kind == "cue" and (found := self.read_measure(at)):
            measures, end = found
            if waiting and self.draft.ranking is not None:
                self._rank(Sort(measures[0], self.draft.ranking.descending))
                self.at = end
            elif self.draft.ranking is None and not self.draft.sorts:
                self.draft.sorts.append(Sort(measures[0], True))
                self.at = end
            else:
                self.draft.failed = "two orders"
            return
        if item.is_cue("most", "least"):
            self.at = at
            return
        mention = self.mention(at)
        if mention is not None and item.kind == "name":
            if waiting and self.draft.ranking is not None:
                self._rank(Sort(mention, self.draft.ranking.descending))
                self.at = at + 1
            elif self.draft.measures and not self._after_verb() and not self._described(at + 1):
                self.at = at + 1
                self.draft.groups.append(self._time_group(mention) or mention)
                self._more_groups()
            return
        if item.low in TIME_UNITS:
            self.draft.groups.append(TimeGroup(TIME_UNITS[item.low], None, at))
            self.at = at + 1

    def _described(self, at: int) -> bool:
        """`by users who …` says which ones, it does not divide."""
        item = self.item(at)
        return item is not None and item.low in ("who", "that", "which", "whose", "with", "from")

    def _after_verb(self) -> bool:
        """`written by`, `offered by`: no grouping."""
        before = self.items[self.at - 1] if self.at else None
        return before is not None and (before.kind in ("light", "word") or before.low[-2:] == "ed")

    def _order(self) -> None:
        item = self.items[self.at]
        if item.cue == "order":
            self.sorting = True
            self._sort_key(self.skip(self.at + 1, frozenset({"by", "results", "in"})))
            return
        descending = item.cue == "desc"
        if self.draft.sorts:
            self.draft.sorts[-1] = replace(self.draft.sorts[-1], descending=descending)
        else:
            self.draft.sorts.append(Sort(None, descending))
            following = self.skip(self.at + 1)
            if item.low.startswith("starting") and (mention := self.mention(following)):
                self.draft.sorts[-1] = Sort(mention, descending)
                self.at = following + 1
                self._drop_end_of_range()

    def _drop_end_of_range(self) -> None:
        """`… to the lowest` says the same again."""
        at = self.skip(self.at, frozenset({"to"}))
        if at > self.at and at < len(self.items) and self.items[at].is_cue("most", "least"):
            self.at = at + 1

    def _sort_key(self, at: int) -> None:
        if at >= len(self.items):
            return
        item = self.items[at]
        descending = False
        if self.draft.sorts and self.draft.sorts[-1].by is None:
            descending = self.draft.sorts.pop().descending
        if found := self.read_measure(at) if item.kind == "cue" else None:
            self.draft.sorts.append(Sort(found[0][0], descending))
            self.at = found[1]
        elif (mention := self.mention(at)) and item.kind == "name":
            self.draft.sorts.append(Sort(mention, descending))
            self.at = at + 1
        elif item.is_cue("asc", "desc"):
            self.draft.sorts.append(Sort(None, item.cue == "desc"))
            self.at = at + 1
        elif item.is_cue("by"):
            self._sort_key(self.skip(at + 1))
        elif item.low in TIME_UNITS:
            self.at = at + 1
        else:
            self.at = at


def _numeric_name(mention: Mention, low: str) -> bool:
    """Whether a superlative is about the name itself ("longest duration"), not an adjective."""
    return not mention.tables


def _same_sort(one: Sort, other: Sort) -> bool:
    """Said twice."""
    if isinstance(one.by, Measure) and isinstance(other.by, Measure):
        return one.by.function == other.by.function and one.by.of.text == other.by.of.text
    if isinstance(one.by, Mention) and isinstance(other.by, Mention):
        return one.by.text == other.by.text
    return False
