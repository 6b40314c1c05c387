"""Lets one SELECT over allowed tables through, as new text made from its syntax tree.

Nothing of the received text is sent: comments (which MySQL may run) and anything the parser did
not understand are gone. The engines refuse again, on their own (`engines/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from retrievers.errors import QueryRefused
from retrievers.sql.checks import (
    LARGEST,
    NODE_CHECKS,
    check_bombs,
    check_tokens,
    check_weight,
    refuse_chained_aliases,
)
from retrievers.sql.grammar import ARGUMENTS, FUNCTIONS, NODES
from retrievers.sql.schema import Catalogue, Table

LONGEST = 10_000  # characters of a statement


@dataclass(frozen=True, slots=True)
class Guarded:
    """A statement that may be sent.

    Attributes:
        names: Names of common table expressions and subqueries, which SQLite's authorizer sees
            as tables.
    """

    sql: str
    columns: tuple[str, ...]
    tables: frozenset[str]
    names: frozenset[str]


class Guard:
    """Judges statements for one source."""

    def __init__(self, catalogue: Catalogue, row_cap: int = 200) -> None:
        self._catalogue, self._cap = catalogue, row_cap
        self._dialect = catalogue.dialect
        self._strict = f"{self._dialect}, normalization_strategy=case_sensitive"
        self._columns = _spellings(catalogue)
        self._schema = MappingSchema(_mapping(catalogue), dialect=self._strict, normalize=False)

    def check(self, statement: str) -> Guarded:
        """The statement to send instead of `statement`.

        Raises:
            QueryRefused: It is anything but one SELECT over allowed tables, columns and functions.
        """
        return self.check_tree(self._parse(statement))

    def check_tree(self, tree: exp.Expr) -> Guarded:
        """Like `check`, of a tree made by our own templates."""
        while isinstance(tree, exp.Subquery | exp.Paren) and not tree.alias:
            tree = tree.this
        if not isinstance(tree, exp.Select | exp.SetOperation):
            raise QueryRefused("only a SELECT may be run")
        for size, node in enumerate(tree.walk()):
            if size > LARGEST:
                raise QueryRefused("the statement is too large")
            self._check_node(node)
        check_bombs(tree)
        names = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
        tables = self._resolve_tables(tree, names)
        self._resolve_columns(tree)
        shown = _shown(tree, self._dialect)
        refuse_chained_aliases(tree)
        qualified = self._qualify(tree)
        self._check_sources(qualified)
        check_weight(qualified)
        self._cap_rows(qualified)
        try:
            sql = qualified.sql(dialect=self._dialect, comments=False)
        except SqlglotError as error:
            raise QueryRefused(f"the statement has no form in {self._dialect}") from error
        aliases = {sub.alias for sub in qualified.find_all(exp.Subquery) if sub.alias}
        return Guarded(
            sql,
            _names(shown, qualified),
            frozenset(table.name for table in tables),
            frozenset({cte.alias for cte in qualified.find_all(exp.CTE)} | aliases),
        )

    def _parse(self, statement: str) -> exp.Expr:
        if len(statement) > LONGEST:
            raise QueryRefused(f"the statement is longer than {LONGEST} characters")
        if "\0" in statement:
            raise QueryRefused("the statement holds a NUL character")
        try:
            check_tokens(sqlglot.tokenize(statement, read=self._dialect))
            return sqlglot.parse_one(statement, read=self._dialect)
        except (SqlglotError, RecursionError, ValueError) as error:
            raise QueryRefused(f"the statement is not {self._dialect} SQL") from error

    def _check_node(self, node: exp.Expr) -> None:
        kind = type(node)
        if kind is exp.Anonymous:
            if str(node.this).lower() not in FUNCTIONS[self._dialect]:
                raise QueryRefused(f"the function {str(node.this)[:40]} is not allowed")
            return
        if kind not in NODES:
            raise QueryRefused(f"{kind.key} is not allowed")
        allowed = ARGUMENTS.get(kind)
        if allowed is not None:
            for name, value in node.args.items():
                if value and name not in allowed:
                    raise QueryRefused(f"{kind.key} may not have {name.strip('_')}")
        if check := NODE_CHECKS.get(kind):
            check(node)

    def _resolve_tables(self, tree: exp.Expr, names: set[str]) -> set[Table]:
        """Give every table the spelling of the catalogue; refuse those that are not in it."""
        used: set[Table] = set()
        for node in tree.find_all(exp.Table):
            if not node.db and node.name.lower() in names:
                node.this.set("this", node.name.lower())
                node.this.set("quoted", True)
                continue
            table = self._table(node)
            if table is None:
                raise QueryRefused(f"the table {node.name[:60]} is not among the allowed ones")
            used.add(table)
            alias = node.args["alias"].this if node.alias else node.this.copy()
            node.set("this", exp.to_identifier(table.name, quoted=True))
            node.set("db", exp.to_identifier(table.schema, quoted=True) if table.schema else None)
            node.set("alias", exp.TableAlias(this=alias))
        return used

    def _table(self, node: exp.Table) -> Table | None:
        name, schema = node.name, node.db
        table = self._catalogue.tables.get(name)
        if table is None and not (node.this.quoted and self._dialect == "postgres"):
            table = self._catalogue.by_lower_name.get(name.lower())
        if table is None or not schema:
            return table
        home = table.schema or ("main" if self._dialect == "sqlite" else "")
        return table if schema.lower() == home.lower() else None

    def _resolve_columns(self, tree: exp.Expr) -> None:
        for identifier in list(tree.find_all(exp.Identifier)):
            if not isinstance(identifier.parent, exp.Table):
                self._normalise(identifier)

    def _normalise(self, identifier: exp.Identifier) -> None:
        """One spelling for each name, so that the rest may compare them as they are."""
        name = identifier.name
        known = self._columns.get(name.lower(), ())
        if name not in known:
            if len(known) == 1:
                name = known[0]
            elif not identifier.quoted or self._dialect != "postgres":
                name = name.lower()
        identifier.set("this", name)
        identifier.set("quoted", True)

    def _qualify(self, tree: exp.Query) -> exp.Query:
        try:
            return qualify(
                tree,
                dialect=self._strict,
                schema=self._schema,
                validate_qualify_columns=True,
                quote_identifiers=True,
            )
        except SqlglotError as error:
            raise QueryRefused(f"the statement does not fit the tables: {_brief(error)}") from error
        except RecursionError as error:
            raise QueryRefused("the statement cannot be checked against the tables") from error

    def _check_sources(self, tree: exp.Expr) -> None:
        """Every column must stand in the table, expression or subquery that it names."""
        if sum(1 for _ in tree.walk()) > 2 * LARGEST:
            raise QueryRefused("the statement is too large")
        checked: set[int] = set()
        for scope in traverse_scope(tree):
            for source in scope.sources.values():
                # Also where no column is read: a name may look like a CTE's and be none.
                if isinstance(source, exp.Table):
                    if source.name not in self._catalogue.tables:
                        raise QueryRefused(f"the table {source.name[:60]} is not among the allowed")
                    checked.add(id(source))
            checked.update(
                id(table) for table in scope.tables if table.alias_or_name in scope.sources
            )
            for column in scope.columns:
                if not column.table and _is_output(column):
                    checked.add(id(column))
                    continue
                named = _source(column.table, scope)
                if isinstance(named, exp.Table):
                    table = self._catalogue.tables.get(named.name)
                    good = table is not None and column.name in {c.name for c in table.columns}
                else:
                    made = named.expression if named is not None else None
                    good = isinstance(made, exp.Query) and column.name in made.named_selects
                if not good:
                    raise QueryRefused(f"the column {column.name[:60]} is not among the allowed")
                checked.add(id(column))
        for node in tree.walk():
            if isinstance(node, exp.Column | exp.Table) and id(node) not in checked:
                if isinstance(node, exp.Column) and _is_output(node):
                    continue
                raise QueryRefused(f"{node.name[:60]} cannot be placed")
            if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
                raise QueryRefused("a star that cannot be expanded")
            if type(node) not in NODES and type(node) is not exp.Anonymous:
                raise QueryRefused(f"{type(node).key} is not allowed")

    def _cap_rows(self, tree: exp.Expr) -> None:
        """One row beyond the cap tells that there were more."""
        wanted = self._cap + 1
        limit = tree.args.get("limit")
        if limit is not None:
            wanted = min(wanted, int(limit.expression.this))
        tree.set("limit", exp.Limit(expression=exp.Literal.number(wanted)))


def _source(name: str, scope: Scope) -> exp.Table | Scope | None:
    """What a column's qualifier stands for, here or in the query around this one."""
    around: Scope | None = scope
    while around is not None and name not in around.sources:
        around = around.parent
    source = around.sources[name] if around is not None else None
    return source if isinstance(source, exp.Table | Scope) else None


def _is_output(column: exp.Column) -> bool:
    """Whether ORDER BY, GROUP BY or HAVING names an output column."""
    if column.table or column.find_ancestor(exp.Order, exp.Group, exp.Having) is None:
        return False
    query = column.find_ancestor(exp.Query)
    return query is not None and column.name in query.named_selects


def _shown(tree: exp.Query, dialect: str) -> list[str]:
    """Names of the output columns as their author wrote them; a star's is empty."""
    names = []
    for part in tree.selects:
        name = part.alias or (part.name if isinstance(part, exp.Column) else "")
        if not name and not part.is_star:
            name = part.sql(dialect=dialect, comments=False)[:80]
            name = name.replace('"', "").replace("`", "")
        names.append(name)
    return names


def _names(shown: list[str], qualified: exp.Query) -> tuple[str, ...]:
    names = qualified.named_selects
    return tuple(shown) if len(shown) == len(names) and all(shown) else tuple(names)


def _spellings(catalogue: Catalogue) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for table in catalogue.tables.values():
        for column in table.columns:
            spellings = found.setdefault(column.name.lower(), [])
            if column.name not in spellings:
                spellings.append(column.name)
    return {name: tuple(spellings) for name, spellings in found.items()}


def _mapping(catalogue: Catalogue) -> dict[str, object]:
    """Tables for the optimizer, with or without a schema level, but alike for all."""
    plain: dict[str, object] = {}
    by_schema: dict[str, dict[str, object]] = {}
    for table in catalogue.tables.values():
        level = by_schema.setdefault(table.schema, {}) if table.schema else plain
        level[table.name] = {column.name: "unknown" for column in table.columns}
    return plain or dict(by_schema)


def _brief(error: Exception) -> str:
    """The first line of the optimizer's complaint, without the statement."""
    return str(error).splitlines()[0][:160]
