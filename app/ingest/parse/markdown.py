"""Markdown: the untouched text, with its headings found by scanning."""

from __future__ import annotations

import re

from app.domain.documents import Heading, Parsed, Source
from app.ingest.parse.text import stored_text
from app.ingest.parse.titles import title_of

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_ATX = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
# What may stand above an underline without being a heading: lists, quotes, tables, code.
_NO_PARAGRAPH = re.compile(r" {4}|\t| {0,3}(?:[-*+>|]|\d+[.)][ \t])")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")
_LONGEST = 1000  # a longer line is no heading; it also bounds the patterns' work


def parse(source: Source) -> Parsed:
    """The text as it was written; offsets of headings point into it."""
    text, metadata = stored_text(source)
    found = headings(text)
    return Parsed(title_of(source, found), text, found, metadata)


def headings(text: str) -> tuple[Heading, ...]:
    """ATX and setext headings outside fenced code and front matter, in order."""
    found: list[Heading] = []
    fence = ""
    paragraph_may_start = True
    above: tuple[int, int] | None = None  # the one line of a paragraph that may be a heading
    for match in _LINE.finditer(text, _front_matter_end(text)):
        start, line = match.start(), match[0].rstrip("\r\n")
        end = start + len(line)
        if fence:
            if _closes(line, fence):
                fence, paragraph_may_start = "", True
            continue
        before, above = above, None
        may_start, paragraph_may_start = paragraph_may_start, False
        if len(line) > _LONGEST:
            continue
        if opening := _FENCE.match(line):
            fence = opening[1]
        elif atx := _ATX.match(line):
            _add(found, start, end, len(atx[1]), _without_closing(line[atx.end() :]))
            paragraph_may_start = True
        elif before and (underline := _UNDERLINE.fullmatch(line)):
            level = 1 if underline[1][0] == "=" else 2
            _add(found, before[0], end, level, text[before[0] : before[1]])
            paragraph_may_start = True
        elif not line.strip():
            paragraph_may_start = True
        elif may_start and not _NO_PARAGRAPH.match(line):
            # Only a paragraph's first line: several lines above a rule are prose that somebody
            # ruled off far more often than a long heading.
            above = (start, end)
    return tuple(found)


def _closes(line: str, fence: str) -> bool:
    closing = _FENCE.match(line)
    return bool(closing and closing[1].startswith(fence) and not line[closing.end() :].strip())


def _without_closing(rest: str) -> str:
    bare = rest.strip(" \t")
    stripped = bare.rstrip("#")
    return stripped if not stripped or stripped[-1] in " \t" else bare


def _add(found: list[Heading], start: int, end: int, level: int, raw: str) -> None:
    name = _EMPHASIS.sub("", _LINK.sub(r"\1", raw)).strip()
    if name:
        found.append(Heading(start, end, level, name))


def _front_matter_end(text: str) -> int:
    """Where the text proper begins after a YAML block at the very top."""
    if not re.match(r"---[ \t]*\r?\n", text):
        return 0
    closing = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE).search(text, 4)
    return closing.end() if closing else 0
