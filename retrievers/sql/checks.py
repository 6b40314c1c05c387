"""What a statement's nodes may hold, and how much it may make of little."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.tokenizer_core import Token, TokenType

from retrievers.errors import QueryRefused
from retrievers.sql.grammar import TYPES

DEEPEST = 60  # nested parentheses
LARGEST = 1_500  # nodes of its tree
_BEGINNINGS = (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN)
CONCATENATIONS = 8  # each may double a value's size
STARS = 8  # stars of stars multiply
REUSED_ALIASES = 6  # so do aliases of aliases
WEIGHT = 5_000  # nodes if every subquery's columns were written out, as engines do
WILDCARDS = 6  # of one LIKE pattern; matching takes time exponential in them
DECIMALS = 20
TYPE_SIZE = 1_000


def _check_column(node: exp.Expr) -> None:
    if node.args.get("db") or node.args.get("catalog") or node.args.get("join_mark"):
        raise QueryRefused("a column may be named by its table only")
    if not isinstance(node.this, exp.Identifier | exp.Star):
        raise QueryRefused("a column must have a plain name")


def _check_table(node: exp.Expr) -> None:
    if not isinstance(node.this, exp.Identifier):
        raise QueryRefused("functions that make tables are not allowed")
    alias = node.args.get("alias")
    if alias is not None and alias.args.get("columns"):
        raise QueryRefused("a table's columns may not be renamed")


def _check_count(node: exp.Expr) -> None:
    if not isinstance(node, exp.Limit | exp.Offset):
        return
    value = node.expression
    if not (isinstance(value, exp.Literal) and not value.is_string and str(value.this).isdigit()):
        raise QueryRefused(f"{node.key} must be a number")


def _check_like(node: exp.Expr) -> None:
    pattern = node.expression
    if isinstance(pattern, exp.Lower | exp.Upper):
        pattern = pattern.this
    if not (isinstance(pattern, exp.Literal) and pattern.is_string):
        raise QueryRefused("a pattern must be plain text")
    if sum(map(str(pattern.this).count, "%_")) > WILDCARDS:
        raise QueryRefused(f"a pattern may have at most {WILDCARDS} wildcards")


def _check_type(node: exp.Expr) -> None:
    if node.this not in TYPES or node.args.get("nested"):
        raise QueryRefused("this type is not allowed in a cast")
    for part in node.expressions:
        size = str(part.this.this) if isinstance(part, exp.DataTypeParam) else ""
        if not size.isdigit() or int(size) > TYPE_SIZE:
            raise QueryRefused("this size is not allowed in a cast")


def _check_round(node: exp.Expr) -> None:
    decimals = node.args.get("decimals")
    if decimals is None:
        return
    if not (isinstance(decimals, exp.Literal) and str(decimals.this).isdigit()):
        raise QueryRefused("decimals must be a number")
    if int(str(decimals.this)) > DECIMALS:
        raise QueryRefused("too many decimals")


def _check_star(node: exp.Expr) -> None:
    if not isinstance(node.parent, exp.Count | exp.Select | exp.Column):
        raise QueryRefused("a star may stand only in a list of columns or in COUNT")


def _check_join(node: exp.Expr) -> None:
    if str(node.args.get("side") or "").upper() not in ("", "LEFT", "RIGHT", "FULL"):
        raise QueryRefused("this kind of join is not allowed")
    if str(node.args.get("kind") or "").upper() not in ("", "INNER", "OUTER", "CROSS"):
        raise QueryRefused("this kind of join is not allowed")


NODE_CHECKS: Mapping[type[exp.Expr], Callable[[exp.Expr], None]] = {
    exp.Column: _check_column,
    exp.Table: _check_table,
    exp.Limit: _check_count,
    exp.Offset: _check_count,
    exp.Like: _check_like,
    exp.ILike: _check_like,
    exp.DataType: _check_type,
    exp.Round: _check_round,
    exp.Star: _check_star,
    exp.Join: _check_join,
}


def check_weight(tree: exp.Query) -> None:
    """Engines put a subquery's expressions where its columns are used, and that may double."""
    outputs: dict[int, dict[str, int]] = {}
    total = 0
    for scope in traverse_scope(tree):
        weights: dict[str, int] = {}
        for column in scope.columns:
            source = scope.sources.get(column.table)
            if isinstance(source, Scope):
                weights[f"{column.table}.{column.name}"] = outputs.get(
                    id(source.expression), {}
                ).get(column.name, 1)
        query = scope.expression
        own: dict[str, int] = {}
        if isinstance(query, exp.Query):
            for name, part in zip(query.named_selects, query.selects, strict=False):
                own[name] = sum(
                    weights.get(f"{node.table}.{node.name}", 1)
                    if isinstance(node, exp.Column)
                    else 1
                    for node in part.walk()
                )
        outputs[id(query)] = own
        total += sum(own.values()) + sum(weights.values())
        if total > WEIGHT:
            raise QueryRefused("subqueries that multiply each other")


def refuse_chained_aliases(tree: exp.Expr) -> None:
    """Columns of a SELECT may use the aliases of those before them a few times only.

    Qualifying writes such aliases out: `1 AS a, a + a AS b, b + b AS c, …` doubles with every step
    until the memory is full. A few are let through: they mostly name a column of a table too.
    """
    used = 0
    for select in tree.find_all(exp.Select):
        earlier: set[str] = set()
        for column in select.expressions:
            names = (c.name.lower() for c in column.find_all(exp.Column) if not c.table)
            used += sum(name in earlier for name in names)
            if column.alias:
                earlier.add(column.alias.lower())
    if used > REUSED_ALIASES:
        raise QueryRefused("aliases are made of aliases of the same SELECT; use a subquery")


def check_bombs(tree: exp.Expr) -> None:
    """What makes large values, or large trees, out of a short statement."""
    joined = sum(1 for _ in tree.find_all(exp.DPipe))
    joined += sum(len(node.expressions) for node in tree.find_all(exp.Concat))
    if joined > CONCATENATIONS:
        raise QueryRefused(f"more than {CONCATENATIONS} concatenations")
    stars = sum(1 for star in tree.find_all(exp.Star) if not isinstance(star.parent, exp.Count))
    if stars > STARS:
        raise QueryRefused(f"more than {STARS} stars")


def check_tokens(tokens: Sequence[Token]) -> None:
    """Before parsing, which logs what it does not know and is slow on deep nesting."""
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens = tokens[:-1]
    if any(token.token_type is TokenType.SEMICOLON for token in tokens):
        raise QueryRefused("exactly one statement may be run")
    if not tokens or tokens[0].token_type not in _BEGINNINGS:
        raise QueryRefused("only a SELECT may be run")
    if len(tokens) > LARGEST:
        raise QueryRefused("the statement is too large")
    depth = 0
    for token in tokens:
        depth += token.token_type is TokenType.L_PAREN
        depth -= token.token_type is TokenType.R_PAREN
        if depth > DEEPEST:
            raise QueryRefused("the statement is nested too deep")
