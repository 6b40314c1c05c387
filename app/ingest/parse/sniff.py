"""Which parser takes a file: its content and its name must agree."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from app.domain.errors import UnsupportedMedia

TEXT, MARKDOWN, HTML, JSON = "text/plain", "text/markdown", "text/html", "application/json"
_BY_SUFFIX = {
    ".txt": TEXT,
    ".text": TEXT,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".json": JSON,
}
_BY_DECLARATION = {
    TEXT: TEXT,
    MARKDOWN: MARKDOWN,
    "text/x-markdown": MARKDOWN,
    HTML: HTML,
    "application/xhtml+xml": HTML,
    JSON: JSON,
}
_TAKEN = "text, Markdown, HTML and JSON are"
_HEAD = 4096
# Formats whose beginning need not hold a zero byte; the zero byte gives the others away.
_SIGNATURES = (b"%PDF-", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"Rar!", b"7z\xbc\xaf", b"{\\rtf")
# Atomic: a hundred empty comments could otherwise be read in 2¹⁰⁰ ways.
_PROLOGUE = rb"(?>\s+|<!--.*?-->|<\?xml[^>]*>)*+"
_WEB_PAGE = re.compile(_PROLOGUE + rb"<(?:!doctype\s+html|html[\s>])", re.IGNORECASE | re.DOTALL)
_MARKUP = re.compile(rb"<[a-zA-Z!/]")
_OTHER_XML = re.compile(rb"\s*<\?xml[\s?]", re.IGNORECASE)
_JSON_START = re.compile(rb'\s*[\[{"tfn\d-]')


def media_type(name: str, declared: str, content: bytes) -> str:
    """The media type of an uploaded file.

    Args:
        name: As the sender named it; its suffix decides, if the content does not contradict.
        declared: The part's content type; decides only where the name has no suffix.

    Raises:
        UnsupportedMedia: No parser takes it, or name and content disagree.
    """
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    if suffix and suffix not in _BY_SUFFIX:
        raise UnsupportedMedia(f"files named *{suffix[:20]} are not taken; {_TAKEN}")
    head = _readable(content)
    if head is None:
        raise UnsupportedMedia(f"{name!r} does not hold text; {_TAKEN}")
    named = _BY_SUFFIX.get(suffix) or _BY_DECLARATION.get(declared.split(";")[0].strip().lower())
    found = _definite(head)
    if named is None:
        return found or TEXT
    if found not in (None, named) or not _possible(named, head):
        raise UnsupportedMedia(f"{name!r} is called {named}, but its content is not")
    return named


def _readable(content: bytes) -> bytes | None:
    """The beginning as ASCII-compatible bytes; None if it is no text in any Unicode encoding."""
    head = content[:_HEAD]
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return head.replace(b"\x00", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    if head.startswith(_SIGNATURES) or b"\x00" in head:
        return None
    return head.removeprefix(b"\xef\xbb\xbf")


def _definite(head: bytes) -> str | None:
    """The type that the content cannot but be, if there is one."""
    if _WEB_PAGE.match(head):
        return HTML
    return "application/xml" if _OTHER_XML.match(head) else None


def _possible(media: str, head: bytes) -> bool:
    if not head.strip():
        return True  # an empty file is refused for being empty, whatever it is called
    if media == HTML:
        return _MARKUP.search(head) is not None
    return media != JSON or _JSON_START.match(head) is not None
