"""Every problem that the code names has a page."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from app.api.kinds import KINDS
from app.domain import errors

ROOT = Path(__file__).parents[2]
# Start-up refusals never travel over HTTP.
CLASSES = {
    name
    for name, made in inspect.getmembers(errors, inspect.isclass)
    if issubclass(made, errors.AnabranchError) and made is not errors.Misconfigured
}


def codes() -> set[str]:
    found = set()
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id not in CLASSES:
                continue
            place = 2 if node.func.id == "Overloaded" else 1
            given = [*node.args[place : place + 1]]
            given += [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            found |= {
                value.value
                for value in given
                if isinstance(value, ast.Constant) and isinstance(value.value, str)
            }
    return found


def test_every_code_that_is_raised_has_a_page() -> None:
    assert "already-exists" in codes()
    assert codes() - set(KINDS) == set()
