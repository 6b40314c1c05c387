"""Whether a passage speaks of what a sub-question names, rather than of something like it.

Where the right passage is missing, the next best one is about another film, person or place of the
same kind, and holds a date or nationality as well. A value counts only from a passage whose title
the sub-question names, or, without a title, from a sentence that names what the question names.
"""

from __future__ import annotations

import re

from app.engine.reading.passage import folded, mentions
from app.engine.reading.question import asked
from retrievers.types import Chunk

_QUALIFIER = re.compile(r"\s*\([^)]*\)")


def about(text: str, chunk: Chunk, sentence: str = "") -> bool:
    """Whether the passage is about what the text names.

    Args:
        text: A sub-question with its references filled in.
        sentence: Of the passage; all of it where none is given.
    """
    title = folded(_QUALIFIER.sub("", chunk.title))
    if title:
        return mentions(folded(text), title) or mentions(folded(text), folded(chunk.title))
    said = folded(sentence or chunk.text)
    names = [folded(name) for name in asked(text).names]
    return bool(names) and any(mentions(said, name) for name in names)
