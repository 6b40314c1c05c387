"""Reads the settings once from the environment and `.env`; anything unknown is refused."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from app.domain.errors import Misconfigured
from app.settings.tree import NESTED, PREFIX, SECRET_FILES, SECRETS, Settings

# Read by others: the plugin of the model server, the test suite, and commands that are clients.
FOREIGN = ("ANABRANCH_LFD_REQUIRED", "ANABRANCH_TEST_", "ANABRANCH_KEY")


def load(env_file: Path | None = Path(".env"), **given: Any) -> Settings:
    """The settings of this process.

    Args:
        given: Values that win over everything (command-line options).

    Raises:
        Misconfigured: An unknown or unusable variable; the text names it, and near matches.
    """
    variables = {**(dotenv_values(env_file) if env_file else {}), **os.environ}
    _refuse_unknown(variables)
    try:
        return Settings(_env_file=env_file, **_from_files(variables), **given)
    except ValidationError as error:
        raise Misconfigured(_explain(error)) from error
    except SettingsError as error:
        culprit = next((n for n, v in variables.items() if v and _broken_json(n, v)), "")
        raise Misconfigured(f"{culprit}: {error.__cause__ or error}") from error


def _broken_json(name: str, value: str) -> bool:
    if not name.upper().startswith(PREFIX) or not value.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(value)
    except ValueError:
        return True
    return False


def names() -> list[str]:
    """Every variable that is read, in the order of the tree."""
    return [name for name, _ in leaves()]


def leaves(settings: Settings | None = None) -> Iterator[tuple[str, Any]]:
    """Each variable with its value in `settings`, or with its default."""
    for name, value in _walk(settings or Settings.model_construct(), ""):
        yield PREFIX + name, value


def _walk(group: BaseModel, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in type(group).model_fields:
        value = getattr(group, name)
        path = f"{prefix}{NESTED}{name}" if prefix else name
        if isinstance(value, BaseModel):
            yield from _walk(value, path)
        else:
            yield path.upper(), value


def _refuse_unknown(environment: Mapping[str, str | None]) -> None:
    # pydantic-settings ignores unknown variables of the environment, so a typo would be silent.
    known = set(names())
    groups = {name.rpartition(NESTED)[0] for name in known} - {""}
    allowed = known | SECRET_FILES | _parents(groups)
    # Below these anything may be named: options of a backend, further channels.
    options = tuple(name + NESTED for name, value in leaves() if isinstance(value, dict))
    for variable in environment:
        name = variable.upper()
        if not name.startswith(PREFIX) or name in allowed:
            continue
        if name.startswith(FOREIGN) or (options and name.startswith(options)):
            continue
        near = difflib.get_close_matches(name, sorted(allowed), 3, 0.7)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise Misconfigured(
            f"the variable {variable} is not known{hint} (`anabranch config` lists every setting)"
        )


def _parents(groups: set[str]) -> set[str]:
    found = set(groups)
    for group in groups:
        while NESTED in group:
            group = group.rpartition(NESTED)[0]
            found.add(group)
    return found


def _from_files(environment: Mapping[str, str | None]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for secret in SECRETS:
        path = environment.get(f"{PREFIX}{secret}_FILE")
        if not path:
            continue
        if environment.get(PREFIX + secret):
            raise Misconfigured(f"set {PREFIX}{secret} or {PREFIX}{secret}_FILE, not both")
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Misconfigured(f"{PREFIX}{secret}_FILE: {error}") from error
        place = found
        *outer, last = secret.lower().split(NESTED)
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = value
    return found


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        name = PREFIX + NESTED.join(str(step) for step in item["loc"]).upper()
        why = "is not known" if item["type"] == "extra_forbidden" else item["msg"]
        lines.append(f"{name}: {why}")
    return "; ".join(lines)
