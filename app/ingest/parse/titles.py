"""What a document without a title is called: never a made-up name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from app.domain.documents import Heading, Source

FILE_NAME = "filename"
"""Metadata key under which an upload keeps the name its sender gave it."""
_GENERIC = re.compile(
    r"(new |neues )?(document|dokument|file|datei|scan|untitled|unnamed|unbenannt|upload|image|img|"
    r"index|readme|download|export|output|text|page|doc|tmp|temp|copy|blob)[\s_.-]*\(?\d*\)?",
    re.IGNORECASE,
)
_LONGEST = 300  # code points of a title taken from the text


def title_of(source: Source, headings: Sequence[Heading] = (), found: str = "") -> str:
    """The given title, else the one `found` in the markup, else first heading, file stem or ""."""
    first = headings[0].text if headings else ""
    for title in (source.title, _one_line(found), _one_line(first)):
        if title.strip():
            return title
    return _stem(str(source.metadata.get(FILE_NAME, "")))


def _stem(name: str) -> str:
    stem = PurePosixPath(name.replace("\\", "/")).stem
    # A name that a machine or a hurried user gave says nothing, and would be matched in searches.
    return "" if _GENERIC.fullmatch(stem) or not any(c.isalpha() for c in stem) else stem


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST].rstrip()
