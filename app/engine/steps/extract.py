"""Reads the typed value of one node from its passages, without a language model.

Sentences of fixed form in the passage that is about the node's name come first; what they do not
say is read as a short answer is (`app/engine/reading/short.py`). A node of rules rarely is a
question ("was born later Ada Bell"): its kind then comes from what it waits for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.hit import Hit
from app.domain.plan import Expects
from app.engine.operators import dates, names
from app.engine.operators.countries import ADJECTIVES, COUNTRIES, countries
from app.engine.operators.relations import WORKS, relations
from app.engine.operators.statements import stated
from app.engine.reading.choice import choose, score
from app.engine.reading.passage import Passage, folded, mentions, read
from app.engine.reading.question import Kind, asked
from app.engine.reading.short import candidates
from app.engine.reading.words import content
from app.engine.steps.write import Pick, WriteOptions
from retrievers.types import Chunk

NEAR = 0.05
"""A second value whose support is this close halves the first's."""
_UNTITLED = 0.5  # of the support of a form whose passage only mentions the name
_READ = 0.55  # most support of a value without a fixed form
_LEAST_TITLE = 0.8
_PART = 0.3  # how sure a title is that is part of a longer name
_DOUBTFUL = 0.65  # strength up to which a country is no ground for a "no"

_KINDS: dict[Expects, Kind] = {
    "date": "date",
    "number": "number",
    "person": "person",
    "place": "place",
    "entity": "name",
    "list": "name",
}
_ASKING: dict[Kind, str] = {
    "date": "When",
    "number": "How many",
    "person": "Who",
    "place": "Where",
    "name": "What name",
}
_SAID = re.compile(r"[^\W_]+(?:['\u2019]s\b)?", re.IGNORECASE)
_NO_NAMES = WORKS | {"the", "a", "an"}
_CAPITAL_BEFORE = re.compile(r"(?<!\S)([A-Z][\w'\u2019.-]*) (?:(?:of|the|de|and) )?$")
_CAPITAL_BEHIND = re.compile(r" (?:(?:of|the|de|and) )?[A-Z]")
_QUALIFIER = re.compile(r"\(([^()]*)\)\s*$")
_NATION = re.compile(rf"\b(?:{'|'.join(sorted(ADJECTIVES))})\b|\b(?:from|(?:based|located) in)\b")
"""Behind "fought in" a country says nothing of the nationality."""
_SAME = frozenset(("both", "same", "share", "also", "either"))


@dataclass(frozen=True, slots=True)
class Extract:
    """A value, and the sentence that holds it."""

    text: str
    pick: Pick
    support: float
    """In 0..1: from .6 on, a sentence of fixed form about the node's own name says it."""


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    passage: int
    start: int
    end: int
    support: float


def extract(
    text: str, expects: Expects, hits: Sequence[Hit], options: WriteOptions | None = None
) -> Extract | None:
    """The best supported value; None where nothing is read.

    A `bool` node gets "yes" or "no"; "no" only where another nationality is told, as silence
    denies nothing.

    Args:
        text: Of the node, its references filled in.
        hits: Best first.
    """
    options = options or WriteOptions()
    passages = [hit for hit in hits if hit.chunk is not None][: options.passages]
    chunks = [hit.chunk for hit in passages if hit.chunk is not None]
    pages = [read(chunk.title, chunk.text, chunk.context) for chunk in chunks]
    fits = [_about(text, chunk) for chunk in chunks]
    asking = _without(text, [chunk.title for chunk, fit in zip(chunks, fits, strict=True) if fit])
    if expects == "bool":
        values = _verdicts(asking, pages, fits)
    else:
        values = _formed(asking, text, expects, chunks, fits)
        values += _read_short(text, expects, passages, pages, fits, options)
    best = _best(values, expects)
    if best is None:
        return None
    pick = _pick(best, pages[best.passage], chunks[best.passage])
    return None if pick is None else Extract(best.text, pick, best.support)


def _about(text: str, chunk: Chunk) -> float:
    """How surely the passage is about the node's name: 0 where it is not."""
    said, title = names.folded(_flat(text)), names.folded(_flat(chunk.title))
    bare = names.folded(chunk.title)
    if not bare:
        return 0.0
    if mentions(said, title) or mentions(said, bare):
        if not _whole(text, bare):
            return _PART
        qualifier = _QUALIFIER.search(chunk.title)
        if qualifier is None or mentions(said, title):
            return 1.0
        return 0.95 if set(content(qualifier[1])) & set(content(text)) else 0.9
    opening = names.folded(_flat(chunk.text[:200]))
    for name in asked(text).names:
        if " " in name and (names.same(name, chunk.title) or mentions(opening, names.folded(name))):
            return _LEAST_TITLE
    return 0.0


def _whole(text: str, name: str) -> bool:
    """Whether the folded name is not part of a longer one: "Boat" in "Jazz Boat", or a mere word.

    A text without capitals says nothing of where its names end.
    """
    if text == text.lower():
        return True
    wanted = name.split()
    words = [(names.folded(match[0]), match) for match in _SAID.finditer(text)]
    for place in range(len(words) - len(wanted) + 1):
        part = words[place : place + len(wanted)]
        if [word for word, _ in part] != wanted:
            continue
        start, end = part[0][1].start(), part[-1][1].end()
        opens = _CAPITAL_BEFORE.search(text, 0, start)
        # The first word of a question has a capital, whatever it is.
        before = opens is not None and opens.start() > 0 and opens[1].lower() not in _NO_NAMES
        capital = not text[start].islower()
        if capital and not before and not _CAPITAL_BEHIND.match(text, end):
            return True
    return False


def _flat(text: str) -> str:
    """Parentheses opened, so that "(film)" is a word of a title."""
    return text.replace("(", " ").replace(")", " ")


def _without(text: str, titles: Sequence[str]) -> str:
    """The node's words without the names it is about: "First" may be part of one."""
    left = f" {folded(text)} "
    for title in sorted((folded(title) for title in titles), key=len, reverse=True):
        bare = folded(_QUALIFIER.sub("", title))
        for name in (title, bare):
            if name:
                left = left.replace(f" {name} ", " ")
    return left.strip()


def _formed(
    asking: str, text: str, expects: Expects, chunks: Sequence[Chunk], fits: Sequence[float]
) -> list[_Value]:
    found = []
    for order, relation in enumerate(relations(asking, expects)):
        for place, (chunk, fit) in enumerate(zip(chunks, fits, strict=True)):
            if not fit:
                continue
            # The later relations only stand in for the first: "older" of a bridge is its opening.
            weight = fit * 0.9**order * 0.99**place
            for start, end, strength in stated(relation, chunk.text):
                said = chunk.text[start:end]
                found.append(_Value(said, place, start, end, round(strength * weight, 4)))
        if found:
            return found
    return found


def _read_short(
    text: str,
    expects: Expects,
    hits: Sequence[Hit],
    pages: Sequence[Passage],
    fits: Sequence[float],
    options: WriteOptions,
) -> list[_Value]:
    ask = asked(text)
    kind = _KINDS.get(expects)
    if kind is not None and ask.kind != kind:
        ask = replace(asked(f"{_ASKING[kind]} {text}"), text=text, kind=kind)
    cosines = [h.channels["vector"].score if "vector" in h.channels else None for h in hits]
    sentences = score(ask, pages, cosines if options.cosines else [], options.choice)
    found = []
    named = any(fits)
    for short in candidates(ask, sentences, choose(ask, sentences, options.choice), options.short):
        fit = fits[short.passage] if named else _UNTITLED
        support = min(_READ, short.probability) * (fit or _UNTITLED)
        found.append(_Value(short.text, short.passage, short.start, short.end, round(support, 4)))
    return found


def _verdicts(asking: str, pages: Sequence[Passage], fits: Sequence[float]) -> list[_Value]:
    """Whether a sentence about the name says all that is asked of it."""
    nation = countries(asking) if _NATION.search(asking) else frozenset()
    nations = frozenset(content(" ".join(n for n in COUNTRIES if COUNTRIES[n] in nation)))
    asked_for = {stem for stem in content(asking) if stem not in _SAME}
    found = []
    for place, (page, fit) in enumerate(zip(pages, fits, strict=True)):
        if fit < _LEAST_TITLE:
            continue
        wanted, opening = set(asked_for), 0
        for start, end, strength in stated("country", page.text):
            told = countries(page.text[start:end])
            if nation and told & nation:
                wanted -= nations
                opening = start
            elif nation and told and strength > _DOUBTFUL:
                found.append(_Value("no", place, start, end, round(strength * fit, 4)))
        for line in page.lines:
            held = line.stems.issuperset(wanted) if wanted else line.start <= opening < line.end
            if asked_for and held:
                found.append(_Value("yes", place, line.start, line.end, round(0.7 * fit, 4)))
                break
    return found


def _best(values: Sequence[_Value], expects: Expects) -> _Value | None:
    if not values:
        return None
    best = max(values, key=lambda value: value.support)
    for value in values:
        # "1912" and "3 May 1912" say the same; the more exact one is the value.
        if expects == "date" and value.support >= 0.6 and _refines(value.text, best.text):
            best = replace(value, support=best.support)
    rival = any(
        value.support > best.support - NEAR and not _agree(value.text, best.text, expects)
        for value in values
    )
    return replace(best, support=best.support / 2) if rival else best


def _refines(one: str, other: str) -> bool:
    a, b = dates.parse(one), dates.parse(other)
    return a is not None and b is not None and a != b and a.within(b)


def _agree(one: str, other: str, expects: Expects) -> bool:
    if names.same(one, other):
        return True
    if expects == "date":
        a, b = dates.parse(one), dates.parse(other)
        return a is not None and b is not None and (a.within(b) or b.within(a))
    known = countries(one)
    return bool(known) and known == countries(other)


def _pick(value: _Value, page: Passage, chunk: Chunk) -> Pick | None:
    """The sentence that holds the value; a value over a break is held by its first one."""
    for line in page.lines:
        if line.start <= value.start < line.end:
            return Pick(chunk, line.start, line.end, line.closed, value.support)
    return None
