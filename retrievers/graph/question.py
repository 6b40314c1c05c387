"""What a question says, before the collection is asked: its words, spans and names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from retrievers.graph.linking import candidates, may_start
from retrievers.graph.words import question_words, words

MOST_WORDS = 1_000
_SENTENCE_END = re.compile(r"(?<=[.!?:])\s+")


@dataclass(frozen=True, slots=True)
class Question:
    """A question, read. Positions count its words."""

    words: tuple[str, ...]  # lower-case
    starts: tuple[int, ...]  # positions at which a name may begin
    named: frozenset[str]  # words with a capital that no sentence begins with
    spans: tuple[str, ...]  # keys of its runs of capitals
    display: tuple[str, ...]  # cut at spaces, for the residual


def read(text: str) -> Question:
    """Read a question. With fewer than two capitals, names are looked for case-blind."""
    said: list[str] = []
    openings = set()
    for sentence in _SENTENCE_END.split(text):
        openings.add(len(said))
        said += words(sentence)
    said = said[:MOST_WORDS]
    capitals = [place for place, word in enumerate(said) if word[0].isupper()]
    blind = sum(character.isupper() for character in text) < 2
    return Question(
        words=tuple(word.lower() for word in said),
        starts=tuple(place for place, word in enumerate(said) if blind or may_start(word)),
        named=frozenset(said[place].lower() for place in capitals if place not in openings),
        spans=tuple(sorted(candidates(text))),
        display=tuple(question_words(text)[:MOST_WORDS]),
    )
