"""Text of documents and models, fit for a terminal."""

from __future__ import annotations

import unicodedata
from typing import Any

_KEPT = frozenset("\n\t")


def legible(value: Any) -> str:
    """The text without what would steer the terminal or cannot be written to it."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(
        "\ufffd" if unicodedata.category(letter) in ("Cc", "Cs") and letter not in _KEPT else letter
        for letter in text
    )
