"""Answers of a hop without a model: the entities of its best passages, ranked by rules.

The answer of an inner node is only a bridge to the next, so it need not be right: three guesses
with what each is worth less than the best are enough for the next node to be asked three times.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.engine.plan.lexicon import FUNCTION_WORDS
from app.engine.reading.passage import folded, mentions, read
from app.engine.reading.words import content
from retrievers.protocol import Named
from retrievers.types import Chunk, ChunkId

_REFERENCE = re.compile(r"#\d")
_WORD = re.compile(r"[\w\-]+")
_MONTHS = "january february march april may june july august september october november december"
_DATED = re.compile(rf"\d|^(?:{'|'.join(_MONTHS.split())})$")


@dataclass(frozen=True, slots=True)
class GuessOptions:
    """Weights, chosen on development questions."""

    fit: float = 0.7  # per anchor score of the passage below the best's
    sentence: float = 3.0  # share of the node's words in the entity's sentence
    home: float = 0.5  # a passage of its own
    rarity: float = 0.5
    kind: float = 1.0  # its own passage holds the node's head noun
    titled: float = -0.3  # it is the passage's own title
    most: int = 3
    passages: int = 3


@dataclass(frozen=True, slots=True)
class Guess:
    """A possible answer of a node."""

    key: str
    text: str  # as the passage writes it
    score: float
    passage: Chunk


@dataclass(frozen=True, slots=True)
class Fit:
    """One of a node's passages."""

    chunk: Chunk
    score: float  # anchor
    named: Sequence[Named]


def guesses(
    text: str,
    fits: Sequence[Fit],
    homes: Mapping[ChunkId, Chunk],
    dated: bool = False,
    options: GuessOptions | None = None,
) -> list[Guess]:
    """The best answers of a node, best first, one per entity; ties by key.

    Args:
        text: The node's, with its references filled in.
        fits: Its passages, best first.
        homes: Passages whose titles the entities are.
        dated: Whether a date or a number may answer.
    """
    options = options or GuessOptions()
    wanted = frozenset(content(_REFERENCE.sub(" ", text)))
    head = head_noun(text)
    said = folded(text)
    kin = {id for id, home in homes.items() if head in content(f"{home.title}\n{home.text}")}
    best: dict[str, Guess] = {}
    for fit in fits[: options.passages]:
        passage = read(fit.chunk.title, fit.chunk.text, fit.chunk.context)
        lines = [
            (folded(passage.text[line.start : line.end]), line.stems) for line in passage.lines
        ]
        for entity in fit.named:
            if mentions(said, entity.key) or (not dated and _DATED.search(entity.key)):
                continue
            shares = [
                len(wanted & (stems | passage.title_stems)) / max(len(wanted), 1)
                for line, stems in lines
                if mentions(line, entity.key)
            ]
            score = options.fit * (fit.score - fits[0].score)
            score += options.sentence * max(shares, default=0.0)
            score += options.rarity * entity.rarity
            score += options.titled * entity.titled
            if entity.home is not None:
                score += options.home + options.kind * (entity.home in kin)
            score = round(score, 6)
            known = best.get(entity.key)
            if known is None or known.score < score:
                spelled = as_written(entity.key, f"{fit.chunk.title}\n{fit.chunk.text}")
                best[entity.key] = Guess(entity.key, spelled, score, fit.chunk)
    return sorted(best.values(), key=lambda guess: (-guess.score, guess.key))[: options.most]


def head_noun(text: str) -> str:
    """The stem of what a node asks for: its first word that is neither function word nor name."""
    for word in _WORD.findall(_REFERENCE.sub(" ", text)):
        if word.lower() not in FUNCTION_WORDS and not word[0].isupper():
            return next(iter(content(word)), "")
    return ""


def as_written(key: str, text: str) -> str:
    """The first place of a text that spells the key, or the key with capitals."""
    pattern = r"\W+".join(re.escape(part) for part in key.split())
    found = re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE)
    return " ".join(found.group().split()) if found else key.title()
