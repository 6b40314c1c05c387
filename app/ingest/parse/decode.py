"""Bytes to text, and the texts that cannot be stored."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from app.domain.errors import Rejected

# The longest first: UTF-32's little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 1 << 16  # detection reads so much; its cost grows with the text, its certainty does not
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_FEW = 32
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def decode(content: bytes, declared: str | None = None) -> tuple[str, str | None]:
    """The text of a file, and the name of a legacy encoding if it is in one (None: Unicode).

    Args:
        declared: What the file says of itself (HTML's `meta`); believed when it is not UTF-8.

    Raises:
        Rejected: No encoding reads the whole file without an error.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _strictly(content, encoding), None
    try:
        return content.decode("utf-8"), None
    except UnicodeDecodeError:
        pass
    if declared is not None and _known(declared):
        return _strictly(content, declared), codecs.lookup(declared).name
    encoding = _guess(content[:_SAMPLE])
    return _strictly(content, encoding), encoding


def _guess(sample: bytes) -> str:
    # A few single letters beyond ASCII are too little for statistics, which then find Chinese.
    accented = _BEYOND_ASCII.findall(sample)
    if len(accented) < _FEW and all(len(run) == 1 for run in accented):
        return "cp1252"
    found = from_bytes(sample).best()
    if found is None:
        raise _undecodable()
    return found.encoding


def refuse_unstorable(text: str, at: str | None = None) -> None:
    """Raise `Rejected` for a text that is empty or that a database cannot hold.

    Args:
        at: JSON pointer of the text in the request, for the error.
    """
    if not text or text.isspace():
        raise Rejected("the document holds no text", "empty_document", at)
    refuse_unencodable(text, at)


def refuse_unencodable(text: str, at: str | None = None) -> None:
    """Raise `Rejected` for U+0000, which PostgreSQL cannot hold, and for lone surrogates."""
    if found := _UNSTORABLE.search(text):
        what = "the character U+0000" if found[0] == "\0" else "half of a surrogate pair"
        raise Rejected(f"character {found.start()} is {what}, which cannot be stored", None, at)


def _known(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding)._is_text_encoding
    except LookupError:
        return False


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise _undecodable() from error


def _undecodable() -> Rejected:
    return Rejected("the file is in no known text encoding; save it as UTF-8", "unknown_encoding")
