"""What a statement may consist of: node classes, functions and types, by allow-list.

Functions are left out for a reason: `repeat`, `replace`, `printf`, `lpad`, `hex`, `zeroblob`,
`string_agg` and the like make large values out of small ones; `regexp` and `glob` can take
exponential time inside one step of the engine; anything else may sleep, read files or load code.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from retrievers.sql.schema import Dialect


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NODES: frozenset[type[exp.Expr]] = frozenset(
    {
        # shape of a query
        exp.Select,
        exp.Union,
        exp.Intersect,
        exp.Except,
        exp.Subquery,
        exp.With,
        exp.CTE,
        exp.From,
        exp.Join,
        exp.Where,
        exp.Group,
        exp.Having,
        exp.Order,
        exp.Ordered,
        exp.Limit,
        exp.Offset,
        exp.Distinct,
        exp.Table,
        exp.TableAlias,
        exp.Alias,
        exp.Column,
        exp.Identifier,
        exp.Star,
        exp.Tuple,
        exp.Paren,
        exp.Literal,
        exp.Boolean,
        exp.Null,
        exp.Var,
        exp.Interval,
        exp.Cast,
        exp.DataType,
        exp.DataTypeParam,
        # conditions
        exp.And,
        exp.Or,
        exp.Not,
        exp.EQ,
        exp.NEQ,
        exp.GT,
        exp.GTE,
        exp.LT,
        exp.LTE,
        exp.Is,
        exp.NullSafeEQ,
        exp.NullSafeNEQ,
        exp.In,
        exp.Between,
        exp.Like,
        exp.ILike,
        exp.Escape,
        exp.Exists,
        # arithmetic and text
        exp.Add,
        exp.Sub,
        exp.Mul,
        exp.Div,
        exp.IntDiv,
        exp.Mod,
        exp.Neg,
        exp.DPipe,
        exp.Concat,
        exp.Case,
        exp.If,
        exp.Coalesce,
        exp.Nullif,
        exp.Lower,
        exp.Upper,
        exp.Length,
        exp.Substring,
        exp.Left,
        exp.Right,
        exp.Trim,
        exp.StrPosition,
        exp.Round,
        exp.Abs,
        exp.Ceil,
        exp.Floor,
        exp.Sign,
        exp.Greatest,
        exp.Least,
        # aggregates and windows
        exp.Count,
        exp.Sum,
        exp.Avg,
        exp.Min,
        exp.Max,
        exp.Stddev,
        exp.StddevPop,
        exp.StddevSamp,
        exp.Variance,
        exp.VariancePop,
        exp.Filter,
        exp.Window,
        exp.WindowSpec,
        exp.RowNumber,
        exp.Rank,
        exp.DenseRank,
        exp.Lag,
        exp.Lead,
        exp.FirstValue,
        exp.LastValue,
        # dates
        exp.CurrentDate,
        exp.CurrentTimestamp,
        exp.CurrentTime,
        exp.Date,
        exp.Extract,
        exp.Year,
        exp.Month,
        exp.Day,
        exp.Quarter,
        exp.Week,
        exp.DayOfWeek,
        exp.DayOfMonth,
        exp.DayOfYear,
        exp.Hour,
        exp.Minute,
        exp.Second,
        exp.LastDay,
        exp.DateAdd,
        exp.DateSub,
        exp.DateDiff,
        exp.DateTrunc,
        exp.TimestampTrunc,
        exp.TimestampDiff,
        exp.TimestampAdd,
        exp.TimeToStr,
        exp.StrToDate,
        exp.StrToTime,
        exp.TsOrDsToDate,
        exp.TsOrDsToTimestamp,
        exp.UnixToTime,
    }
)
"""Abstract classes and everything unnamed are refused, and so are new classes of a new release."""

FUNCTIONS: Mapping[Dialect, frozenset[str]] = {
    "sqlite": frozenset({"date", "datetime", "time", "julianday", "unixepoch", "total"}),
    "postgres": frozenset({"age", "make_date", "date_part"}),
    "mysql": frozenset({"now", "weekday", "curdate", "last_day", "to_days"}),
}
"""Functions that sqlglot does not know and passes on by name, lower case."""

SQLITE_FUNCTIONS = _words(
    """
    abs avg ceil ceiling coalesce count current_date current_time current_timestamp date datetime
    dense_rank first_value floor ifnull iif instr julianday lag last_value lead length like lower
    ltrim max min nullif rank round row_number rtrim sign strftime substr substring sum time total
    trim unixepoch upper
    """
)
"""What SQLite's authorizer lets a statement call."""

TYPES = frozenset(
    {
        exp.DataType.Type.BOOLEAN,
        exp.DataType.Type.TINYINT,
        exp.DataType.Type.SMALLINT,
        exp.DataType.Type.INT,
        exp.DataType.Type.BIGINT,
        exp.DataType.Type.UBIGINT,
        exp.DataType.Type.UINT,
        exp.DataType.Type.FLOAT,
        exp.DataType.Type.DOUBLE,
        exp.DataType.Type.DECIMAL,
        exp.DataType.Type.CHAR,
        exp.DataType.Type.VARCHAR,
        exp.DataType.Type.TEXT,
        exp.DataType.Type.DATE,
        exp.DataType.Type.DATETIME,
        exp.DataType.Type.TIME,
        exp.DataType.Type.TIMESTAMP,
        exp.DataType.Type.TIMESTAMPTZ,
    }
)
"""Targets of a cast. `regclass` and its kin look into the system catalogue."""

ARGUMENTS: Mapping[type[exp.Expr], frozenset[str]] = {
    exp.Select: _words(
        "with_ expressions from_ joins where group having order limit offset distinct"
    ),
    exp.Table: frozenset({"this", "alias", "db"}),
    exp.Join: frozenset({"this", "on", "using", "side", "kind"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.TableAlias: frozenset({"this", "columns"}),
    exp.Subquery: frozenset({"this", "alias"}),
    exp.Group: frozenset({"expressions"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Limit: frozenset({"expression"}),
    exp.Offset: frozenset({"expression"}),
    exp.Count: frozenset({"this", "expressions", "big_int"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.DataType: frozenset({"this", "expressions", "nested"}),
    exp.Star: frozenset(),
}
"""Where a node may have few arguments: locks, hints, samples, pivots and `INTO` are arguments."""
