"""Which property of a thing a text asks for: its birth, its release, its country."""

from __future__ import annotations

import re
from typing import Literal

Aspect = Literal[
    "birth", "death", "life", "release", "start", "end", "age", "country", "occupation", "other"
]
"""`age` asks which of two is older or first, and leaves open whether they were born or made."""

_WORDS: tuple[tuple[Aspect, str], ...] = (
    (
        "life",
        r"li(?:ved?|fe|ving) longe[rs]\w*|longe[rs]\w* (?:life|lived|living|lifespan)|life ?span"
        r"|how long .*\blive|age at death|outlived?",
    ),
    ("birth", r"born|birth(?:day|date)?s?"),
    ("death", r"di(?:ed?|es)|dead|deaths?|passed away"),
    (
        "country",
        r"nationalit(?:y|ies)|citizenship|(?:same|what|which|home) countr(?:y|ies)|country of",
    ),
    ("occupation", r"professions?|occupations?|careers?|what .*\bfor a living"),
    (
        "release",
        r"releas\w*|publish\w*|publication|c[ao]me out|issued|premier\w*|aired|appeared",
    ),
    (
        "end",
        r"ended|ends?|closed|dissolved|disbanded|abolished|demolished|ceased|finished|destroyed",
    ),
    (
        "start",
        r"found(?:ed|ing|ation)|establish\w*|form(?:ed|ation)|creat(?:ed|ion)|start\w*|beg[aiu]n\w*"
        r"|open(?:ed|ing)?|built|construct\w*|complet\w*|launch\w*|introduc\w*|inaugurated"
        r"|incorporated|invent\w*|held|took place|made",
    ),
    (
        "age",
        r"old(?:er|est)?|young(?:er|est)?|new(?:er|est)?|first|earli(?:er|est)|lat(?:er|est)|recent(?:ly)?|last",
    ),
)
_PATTERNS = tuple((name, re.compile(rf"\b(?:{stems})\b", re.IGNORECASE)) for name, stems in _WORDS)


def aspect(text: str) -> Aspect:
    """The first of the aspects that the text's words speak of."""
    return next((name for name, pattern in _PATTERNS if pattern.search(text)), "other")
