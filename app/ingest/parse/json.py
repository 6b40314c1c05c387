"""JSON: one document, a list of documents, or anything else as lines of `path: value`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from app.domain.documents import Parsed, Source
from app.domain.errors import Rejected
from app.ingest.parse.decode import refuse_unstorable
from app.ingest.parse.sniff import TEXT
from app.ingest.parse.text import stored_text
from app.ingest.parse.titles import title_of
from retrievers.filters import MetadataValue

_MEMBERS = frozenset(("id", "title", "text", "metadata"))
_DEEPEST = 100


def parse(source: Source) -> Parsed:
    """The only document of a file; see `documents`."""
    (only,) = documents(source)
    return Parsed(title_of(only), only.text, (), only.metadata)


def documents(source: Source) -> list[Source]:
    """The documents a file holds, each with its text and none of the file's bytes.

    An object is a document if it has a string `text` and otherwise at most `id`, `title` and
    `metadata`; a list is several if all its items are, also as the only member `documents` of an
    object, as they are posted. Any other value becomes one document of `path: value` lines, so
    nothing of it gets lost.

    Raises:
        Rejected: Not JSON, empty, nested too deeply, or with text that cannot be stored.
    """
    text, metadata = stored_text(source)
    value = _load(text)
    whole = value["documents"] if isinstance(value, dict) and [*value] == ["documents"] else value
    items = whole if isinstance(whole, list) else [whole]
    if items and all(_is_document(item) for item in items):
        return [_document(replace(source, metadata=metadata), item) for item in items]
    # Numbers are kept as they are written: 1.10 is a version to somebody.
    flat = "\n".join(_lines(_load(text, verbatim=True)))
    refuse_unstorable(flat)
    return [replace(source, text=flat, content=None, metadata=metadata, media_type=TEXT)]


def _load(text: str, verbatim: bool = False) -> Any:
    number: Callable[[str], Any] | None = str if verbatim else None
    try:
        return json.loads(
            text, parse_float=number, parse_int=number, parse_constant=_refuse_constant
        )
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:  # also an integer of more digits than Python converts
        raise Rejected(f"the file is not JSON: {error}", "malformed_json") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _is_document(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) <= _MEMBERS
        and isinstance(value.get("text"), str)
        and isinstance(value.get("id", ""), str)
        and isinstance(value.get("title", ""), str)
        and isinstance(value.get("metadata", {}), dict)
    )


def _document(file: Source, value: Mapping[str, Any]) -> Source:
    refuse_unstorable(value["text"])
    metadata: Mapping[str, MetadataValue] = {**file.metadata, **value.get("metadata", {})}
    return Source(
        id=value.get("id", ""),
        title=value.get("title", "") or file.title,
        media_type=TEXT,
        text=value["text"],
        metadata=metadata,
    )


def _lines(value: Any) -> Iterator[str]:
    """One line per scalar, in document order; containers that are empty give none."""
    stack: list[tuple[str, Any, int]] = [("", value, 0)]
    while stack:
        path, item, depth = stack.pop()
        if depth > _DEEPEST:
            raise _too_deep()
        if isinstance(item, dict):
            members = [(f"{path}.{key}" if path else key, part) for key, part in item.items()]
            stack.extend((name, part, depth + 1) for name, part in reversed(members))
        elif isinstance(item, list):
            parts = [(f"{path}[{number}]", part) for number, part in enumerate(item)]
            stack.extend((name, part, depth + 1) for name, part in reversed(parts))
        else:
            yield f"{path}: {_shown(item)}" if path else _shown(item)


def _shown(scalar: Any) -> str:
    if scalar is None:
        return "null"
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    return " ".join(str(scalar).split())


def _too_deep() -> Rejected:
    return Rejected(f"the JSON is nested more than {_DEEPEST} levels deep", "too_complex")
