"""Replies in JSON: the schema that is sent, the reading of the reply, the request to repair it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.generation.chat import Message, Said

T = TypeVar("T", bound=BaseModel)

_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL | re.IGNORECASE)
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")
_LISTED = 8
_FAULT = 200  # characters
_QUOTED = 4_000  # characters


def response_format(schema: type[BaseModel]) -> dict[str, Any]:
    """The request's member that makes the server keep to the schema.

    Without `strict`: OpenAI then takes only schemas in which every member is required. The reply is
    validated here in any case.
    """
    name = _NO_NAME.sub("_", schema.__name__)[:64]
    return {
        "type": "json_schema",
        "json_schema": {"name": name, "schema": schema.model_json_schema()},
    }


def read(schema: type[T], said: Said) -> T | list[str]:
    """The reply's value, or what is wrong with it, at least one line; none quotes the reply."""
    # Servers that ignore `response_format` leave it to models, and those put JSON into a fence.
    fenced = _FENCED.fullmatch(said.text)
    try:
        return schema.model_validate_json(fenced[1] if fenced else said.text)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    faults = [] if said.finish != "length" else ["the reply was cut at its longest; write less"]
    faults += [_line(fault["loc"], fault["msg"]) for fault in found[:_LISTED]]
    if len(found) > _LISTED:
        faults.append(f"and {len(found) - _LISTED} more")
    return faults


def repair(said: Said, faults: Sequence[str]) -> list[Message]:
    """What follows a faulty reply: that reply, and what is wrong with it."""
    listed = "\n".join(f"- {fault}" for fault in faults)
    return [
        {"role": "assistant", "content": said.text[:_QUOTED]},
        {
            "role": "user",
            "content": "Your reply is not the JSON that was asked for:\n"
            f"{listed}\n"
            "Reply again, with JSON that satisfies the schema and nothing else.",
        },
    ]


def _line(location: Sequence[int | str], problem: str) -> str:
    place = ".".join(str(part) for part in location)
    return f"{place}: {problem}"[:_FAULT] if place else problem[:_FAULT]
