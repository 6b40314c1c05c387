"""HTML: its visible text as paragraphs, headings, list items and table rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree

from app.domain.documents import Heading, Parsed, Source
from app.domain.errors import Rejected
from app.ingest.parse.decode import refuse_unstorable
from app.ingest.parse.text import stored_text
from app.ingest.parse.titles import title_of

# Literal sets would take a line for each name.
_INVISIBLE = frozenset(
    "script style noscript template svg canvas iframe object embed head datalist".split()  # noqa: SIM905  # see above
)
_BLOCKS = frozenset(
    """
    address article aside blockquote body caption center dd details dialog div dl dt fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section
    summary table tbody tfoot thead tr ul
    """.split()  # noqa: SIM905  # see above
)
_TIGHT = frozenset(("li", "dt", "dd", "tr"))  # one line after another, not paragraphs
_CELLS = frozenset(("td", "th"))
_LEVEL = {f"h{level}": level for level in range(1, 7)}
_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([a-zA-Z0-9_:.-]{1,40})""", re.I)
_FIRST_TAG = re.compile(r"<[a-zA-Z]")
_INTERNAL_SUBSET = re.compile(r"<!ENTITY|<!DOCTYPE[^>]*\[", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def parse(source: Source) -> Parsed:
    """Structure to text; what a reader of the page would not see is left out.

    Raises:
        Rejected: Empty, undecodable, declaring entities, or nested beyond the parser's limits.
    """
    declared = _DECLARED.search((source.content or b"")[:4096])
    markup, metadata = stored_text(source, declared[1].decode() if declared else None)
    _refuse_entities(markup)
    writer = _Writer()
    title = _walk(_tree(markup), writer)
    text, headings = writer.finish()
    refuse_unstorable(text)
    return Parsed(title_of(source, headings, title), text, headings, metadata)


def _refuse_entities(markup: str) -> None:
    """No page declares entities; a document that does is XML in disguise, or a bomb."""
    first = _FIRST_TAG.search(markup)
    if _INTERNAL_SUBSET.search(markup, 0, first.start() if first else len(markup)):
        raise Rejected("entity declarations are refused", "xml_entities_refused")


def _tree(markup: str) -> etree._Element:
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=False
    )
    root = etree.fromstring(markup.encode(), parser)
    # The parser recovers from anything, also by dropping what lies beyond its limits.
    if any(entry.level_name == "FATAL" for entry in parser.error_log):
        raise Rejected("the page is nested too deeply or holds an endless text", "too_complex")
    if root is None:
        raise Rejected("the document holds no text", "empty_document")
    return root


def _walk(root: etree._Element, writer: _Writer) -> str:
    """Write all visible text; the page's own title."""
    title = ""
    hidden: etree._Element | None = None
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag
        if event == "start":
            if tag == "title" and not title:
                title = "".join(element.itertext())
            if hidden is None and _is_hidden(element):
                hidden = element
            if hidden is None:
                writer.open(tag)
                if tag == "img" and element.get("alt"):
                    writer.add(f" {element.get('alt')} ")
                writer.add(element.text)
        else:
            if hidden is None:
                writer.close(tag)
            if hidden is element:
                hidden = None
            if hidden is None:
                writer.add(element.tail)
    return title


def _is_hidden(element: etree._Element) -> bool:
    return (
        element.tag in _INVISIBLE
        or element.get("hidden") is not None
        or _HIDING.search(element.get("style") or "") is not None
    )


@dataclass(slots=True)
class _Writer:
    """Collects inline text and puts it down as a block whenever a block element begins or ends."""

    blocks: list[str] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    length: int = 0
    inline: list[str] = field(default_factory=list)
    tight: bool = False  # the block being collected is a line of a list or a table
    was_tight: bool = False
    verbatim: int = 0  # nesting of `pre`
    cells: int = 0

    def open(self, tag: str) -> None:
        if tag == "br":
            self.inline.append("\n")
        elif tag in _CELLS:
            if self.cells:
                self.inline.append(" | ")
            self.cells += 1
        elif tag in _BLOCKS and self._inside_row(tag):
            self.inline.append(" ")
        elif tag in _BLOCKS:
            self.put()
            self.tight = tag in _TIGHT
            self.was_tight = self.was_tight and tag != "table"  # no row is an item of a list
            self.cells = 0
            self.verbatim += tag == "pre"

    def close(self, tag: str) -> None:
        if tag in _BLOCKS and not self._inside_row(tag):
            self.put(_LEVEL.get(tag, 0))
            self.tight = False
            self.cells = 0
            self.verbatim = max(0, self.verbatim - (tag == "pre"))

    def add(self, text: str | None) -> None:
        if text:
            self.inline.append(text if self.verbatim else _SPACES.sub(" ", text))

    def put(self, level: int = 0) -> None:
        """End the block; a heading if `level` is not 0."""
        raw = "".join(self.inline)
        self.inline.clear()
        if self.cells:
            raw = raw.replace("\n", " ")
        text = raw.strip("\r\n") if self.verbatim else _tidy(raw)
        if not text.strip():
            return
        if self.blocks:
            # Neighbouring lines of a list or table stand close, so that one chunk can hold them.
            separator = "\n" if self.tight and self.was_tight else "\n\n"
            self.blocks.append(separator)
            self.length += len(separator)
        if level:
            self.headings.append(
                Heading(self.length, self.length + len(text), level, " ".join(text.split()))
            )
        self.blocks.append(text)
        self.length += len(text)
        self.was_tight = self.tight

    def finish(self) -> tuple[str, tuple[Heading, ...]]:
        self.put()
        return "".join(self.blocks), tuple(self.headings)

    def _inside_row(self, tag: str) -> bool:
        """Blocks in a cell do not break its row."""
        return self.cells > 0 and tag not in ("tr", "table", "thead", "tbody", "tfoot")


def _tidy(raw: str) -> str:
    lines = (_SPACES.sub(" ", line).strip(" ") for line in raw.split("\n"))
    return "\n".join(line for line in lines if line)
