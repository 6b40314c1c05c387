"""What a question asks for, before it is decided which columns its words stand for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from retrievers.sql.questions.language.dates import Span
from retrievers.sql.questions.vocabulary import Meaning, Value

Function = Literal["count", "sum", "avg", "min", "max"]
Operator = Literal["eq", "ne", "gt", "ge", "lt", "le"]
TextMatch = Literal["is", "contains", "starts", "ends"]
Unit = Literal["day", "month", "quarter", "year"]


@dataclass(frozen=True)
class Mention:
    """A run of words that names a table or a column.

    Attributes:
        place: Position among the question's items; what stands near belongs together.
        role: Preposition in front of it, for schemas with `from_airport` and `to_airport`.
        plural: Written in the plural.
    """

    text: str
    names: tuple[Meaning, ...]
    place: int
    role: str = ""
    plural: bool = False

    @property
    def tables(self) -> tuple[Meaning, ...]:
        """Meanings that are tables."""
        return tuple(name for name in self.names if name.column is None)

    @property
    def columns(self) -> tuple[Meaning, ...]:
        """Meanings that are columns."""
        return tuple(name for name in self.names if name.column is not None)


@dataclass(frozen=True)
class Measure:
    """A number to be worked out: a count of rows or distinct values, or an aggregate."""

    function: Function
    of: Mention
    distinct: bool = False
    counted: bool = False  # "number of" stood before it
    total: bool = False  # "total number of"


@dataclass(frozen=True)
class TimeGroup:
    """Grouping by calendar units of a date column."""

    unit: Unit
    of: Mention | None
    place: int


@dataclass(frozen=True)
class Condition:
    """Base of all conditions.

    Attributes:
        place: Position among the items.
        negated: Said with "not".
    """

    place: int
    negated: bool = False


@dataclass(frozen=True)
class ValueIs(Condition):
    """A column holds one of some values, given as alternatives for each value.

    Attributes:
        values: For each value said, the columns that hold it.
        near: A name beside it: "state of California", "Mexican food".
        words: The values as written, for columns without a value index.
        match: Whether the whole cell or a part of it is meant.
    """

    values: tuple[tuple[Value, ...], ...] = ()
    words: tuple[str, ...] = ()
    near: Mention | None = None
    match: TextMatch = "is"
    role: str = ""
    named: bool = False  # said with "named" or "called"


@dataclass(frozen=True)
class NumberIs(Condition):
    """A numeric column compares to a number; `upper` closes a range.

    Attributes:
        adjective: "longer than" without a noun: the column is found as for superlatives.
    """

    of: Mention | None = None
    adjective: str = ""
    operator: Operator = "eq"
    number: float = 0.0
    upper: float | None = None


@dataclass(frozen=True)
class DateIn(Condition):
    """A date or year column lies in a span of days."""

    span: Span = field(default_factory=lambda: Span(None, None))
    of: Mention | None = None


@dataclass(frozen=True)
class Holds(Condition):
    """A yes-or-no column says yes, a count is above zero, or a value is there at all."""

    of: Mention | None = None
    alternative: Mention | None = None  # joined by "or"
    adjective: bool = False  # `active` tickers: nothing but a yes-or-no column will do


@dataclass(frozen=True)
class Lacks(Condition):
    """No row of a table belongs to the row."""

    of: Mention | None = None


@dataclass(frozen=True)
class Having:
    """A measure of the target's rows compares to a number."""

    measure: Measure
    operator: Operator
    number: float
    upper: float | None = None


@dataclass(frozen=True)
class Sort:
    """Order by a measure or a column; `adjective` looks for the column itself."""

    by: Measure | Mention | None
    descending: bool
    adjective: str = ""


@dataclass
class Draft:
    """Slots being filled. `target` is what each row stands for, if the question lists things."""

    target: Mention | None = None
    outputs: list[Mention | Measure] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    groups: list[Mention | TimeGroup] = field(default_factory=list)
    hints: list[Mention] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    havings: list[Having] = field(default_factory=list)
    sorts: list[Sort] = field(default_factory=list)
    limit: int | None = None
    ranking: Sort | None = None  # a superlative
    distinct: bool = False
    who: bool = False  # persons are asked for
    each: bool = False  # `of each ship`: it must be said whose
    exists: bool = False  # `are there any ships`
    compares: bool = False  # `which has more, A or B`
    per: bool = False  # `per paper`: a rate, not a row for each
    counts_target: bool = False  # "how many authors have more than 2 papers"
    either: list[tuple[Condition, Condition]] = field(default_factory=list)
    """Neighbours joined by "or"."""
    ors: list[int] = field(default_factory=list)
    """Places of an "or" that joins neither values nor names."""
    words: list[tuple[str, int]] = field(default_factory=list)
    """Words without a place so far; names chosen later may claim them."""
    verbs: list[tuple[str, int]] = field(default_factory=list)
    """Words that need no place but may say which date is meant."""
    failed: str = ""
    """Why the question cannot be read, if so."""
