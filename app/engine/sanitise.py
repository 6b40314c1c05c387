"""What of a quoted text may stand in an answer: words, and nothing a client would fetch or run.

Retrieved text is data. A client may render an answer as Markdown or HTML, so images, links, raw
HTML, autolinks, bare addresses and reference definitions are removed, marks that imitate ours too.
The quote beside the answer stays as stored.
"""

from __future__ import annotations

import html
import re

_PASSES = 12
"""Removing one construct may complete another; what is nested deeper is taken apart."""

# Controls other than tab and newline, and signs that reorder or hide text: soft hyphen, zero-width
# signs, bidirectional controls, interlinear marks, byte-order mark, variation selectors, tags.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0e\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_ENTITY = re.compile(r"&#?[a-z0-9]{1,32};", re.IGNORECASE)
_TARGET = r"\([^()]*(?:\([^()]*\)[^()]*)*(?:\)|$)"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<!--.*?(?:-->|$)|<!\[CDATA\[.*?(?:\]\]>|$)", re.DOTALL), ""),
    (re.compile(r"<(script|style|iframe)\b.*?(?:</\1[^>]*>|$)", re.DOTALL | re.IGNORECASE), ""),
    (re.compile(r"</?[a-z!?][^<>]*>", re.IGNORECASE), ""),
    # ![alt](target), ![alt][reference]: gone. [words](target), [words][reference]: the words stay.
    (re.compile(rf"!\[[^\[\]]*\](?:{_TARGET}|\[[^\[\]]*\])?"), ""),
    (re.compile(rf"\[([^\[\]]*)\]{_TARGET}"), r"\1"),
    (re.compile(r"\[([^\[\]]*)\]\[[^\[\]]*\]"), r"\1"),
    (re.compile(r"^[ \t>]*\[[^\[\]]+\]:.*$", re.MULTILINE), ""),
    # Our own marks look like this, and so do footnotes of the source.
    (re.compile(r"\[\^?\d{1,4}\]|【[^】]{0,20}】"), ""),
    (
        re.compile(
            r"(?:[a-z][a-z0-9+.-]{0,20}:(?://|\\\\)|(?<!\w)www\.(?=\w)"
            r"|(?:javascript|vbscript):|(?<!\w)(?:data|mailto|file|tel):(?=\S))"
            r"[^\s<>\"'\u201d\u2019)\]]*",
            re.IGNORECASE,
        ),
        "",
    ),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), ""),
)
# Halves of a construct: the other half may stand in the next statement.
_HALVES = re.compile(r"!(?=\[)|\](?=[(\[])|<(?=[a-z/!?])", re.IGNORECASE)
_GAPS = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)")


def sanitise(text: str) -> str:
    """The text without what a client could fetch, run or mistake; ordinary prose is unchanged.

    Idempotent. The result is never longer than the text.
    """
    clean = text
    for _ in range(_PASSES):
        before = clean
        clean = _INVISIBLE.sub("", clean)
        clean = _ENTITY.sub(lambda match: html.unescape(match.group()), clean)
        for pattern, kept in _RULES:
            clean = pattern.sub(kept, clean)
        if clean == before:
            clean = _HALVES.sub("", clean)
            if clean == before:
                break
    else:
        clean = re.sub(r"[\[\]<>&]|://", "", clean)
    if clean != text:
        clean = _GAPS.sub(" ", clean).strip()
    return clean
