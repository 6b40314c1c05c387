"""A question as a row of items: cues, names, values, numbers, time expressions, other words.

At each place the longest reading wins; of two equally long ones a cue before a name, a name before
a value. Nothing is decided here about what a name stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from retrievers.sql.catalogue.names import singular, squash
from retrievers.sql.questions.language.dates import Span, read_date
from retrievers.sql.questions.language.lexicon import CUES, LIGHT, REFUSE, STOP, UNITS
from retrievers.sql.questions.language.meanings import ADJECTIVES, ANTONYMS
from retrievers.sql.questions.language.words import SCALES, Token, spelled
from retrievers.sql.questions.vocabulary import Meaning, Value, Vocabulary, value_key

Kind = Literal["cue", "name", "value", "number", "date", "stop", "light", "word", "mark"]
LONGEST_CUE = max(len(phrase) for phrase in CUES)


@dataclass(frozen=True, slots=True)
class Item:
    """One reading of a run of tokens.

    Attributes:
        low: Its words in lower case.
        cue: Which one, for cues.
        quoted: Written in quotes.
        capital: Written like a name, not at the beginning of a sentence.
        opposite: The name means the opposite of the word: `closed` for a column `is_open`.
        words: How many words of the question it accounts for.
    """

    kind: Kind
    low: str
    text: str
    words: int = 1
    cue: str = ""
    names: tuple[Meaning, ...] = ()
    values: tuple[Value, ...] = ()
    number: float | None = None
    span: Span | None = None
    quoted: bool = False
    capital: bool = False
    opposite: bool = False

    def is_cue(self, *cues: str) -> bool:
        """Whether it is one of these cues."""
        return self.kind == "cue" and self.cue in cues


def itemise(tokens: Sequence[Token], vocabulary: Vocabulary, today: date) -> list[Item]:
    """Read a question's tokens from left to right."""
    row = [t for t in tokens if not (t.low in "-+" and t.glued)]
    items: list[Item] = []
    at = 0
    while at < len(row):
        before = items[-1].low if items else ""
        if before in ("most", "least") and row[at].low in ADJECTIVES:
            items.append(Item("word", row[at].low, row[at].text))
            at += 1
            continue
        item, used = _read(row, at, vocabulary, today)
        items.append(item)
        at += used
    return items


def _read(row: Sequence[Token], at: int, vocabulary: Vocabulary, today: date) -> tuple[Item, int]:
    token = row[at]
    if token.kind == "quoted":
        return _quoted(token, vocabulary), 1
    cue, cue_used = _cue(row, at)
    named, named_used = _named(row, at, vocabulary)
    if found := read_date(row, at, today):
        span, used = found
        if used >= named_used and used >= cue_used and not (cue and used == cue_used):
            low = " ".join(t.low for t in row[at : at + used])
            number = token.number if used == 1 else None
            return Item("date", low, low, used, span=span, number=number), used
    if cue and cue_used >= named_used:
        low = " ".join(t.low for t in row[at : at + cue_used])
        names = named.names if named and named_used == cue_used else ()
        return Item("cue", low, low, cue_used, cue, names), cue_used
    if named:
        return named, named_used
    if token.kind == "number":
        return _number(row, at)
    if token.kind == "mark":
        return Item("mark", token.low, token.text, 0), 1
    if token.low not in STOP or (token.low == "a" and at + 1 < len(row)):
        counted = spelled([t.low for t in row[at : at + 6]])
        glued = at + 1 < len(row) and row[at + 1].glued
        if counted and not glued and not (token.low == "a" and counted[1] == 1):
            low = " ".join(t.low for t in row[at : at + counted[1]])
            return Item("number", low, low, counted[1], number=counted[0]), counted[1]
    if token.low in ANTONYMS and (names := vocabulary.names(singular(ANTONYMS[token.low]))):
        return Item("name", token.low, token.text, names=names, opposite=True), 1
    if token.capital and at > 0 and token.low not in STOP:
        part = _part(row, at, vocabulary)
        if part is not None:
            return part
    begins = at == 0 or row[at - 1].kind == "mark"
    light = token.low in LIGHT and (begins or not token.capital)  # "for Land" names something
    kind: Kind = "stop" if token.low in STOP else "light" if light else "word"
    return Item(kind, token.low, token.text, capital=token.capital and at > 0), 1


def _number(row: Sequence[Token], at: int) -> tuple[Item, int]:
    """`5`, `1.5 million`."""
    token = row[at]
    scale = SCALES.get(row[at + 1].low) if at + 1 < len(row) else None
    if scale is None or token.number is None:
        return Item("number", token.low, token.text, number=token.number), 1
    low = f"{token.low} {row[at + 1].low}"
    return Item("number", low, low, 2, number=token.number * scale), 2


def _part(row: Sequence[Token], at: int, vocabulary: Vocabulary) -> tuple[Item, int] | None:
    """Capitalised words that are a part of some values: `Dallas` in "Dallas, TX"."""
    run = []
    for token in row[at : at + 6]:
        if not (token.capital or token.kind == "number"):
            break
        run.append(token)
    for used in range(len(run), 0, -1):
        words = [t.low for t in run[:used]]
        values = vocabulary.containing(words) if len(words[0]) > 2 else ()
        values = values or vocabulary.misspelt("".join(t.key for t in run[:used]))
        if values:
            text = " ".join(t.text for t in run[:used])
            return Item("value", " ".join(words), text, used, values=values, capital=True), used
    return None


def _quoted(token: Token, vocabulary: Vocabulary) -> Item:
    key = value_key(token.text)
    exact = vocabulary.values(key)
    words = token.low.split()
    values = exact or (vocabulary.containing(words) if len(token.text) > 2 else ())
    values = values or vocabulary.misspelt(key)
    return Item("value", token.low, token.text, len(words), values=values, quoted=True)


def _cue(row: Sequence[Token], at: int) -> tuple[str, int]:
    words = []
    for token in row[at : at + LONGEST_CUE]:
        if token.kind not in ("word", "mark"):
            break
        words.append(token.low)
    for used in range(len(words), 0, -1):
        if cue := CUES.get(tuple(words[:used])):
            return cue, used
    return "", 0


def _named(row: Sequence[Token], at: int, vocabulary: Vocabulary) -> tuple[Item | None, int]:
    run: list[Token] = []
    for token in row[at : at + vocabulary.longest]:
        inside = bool(run) and (token.low == "&" or (token.low in "/.+" and token.glued))
        if token.kind not in ("word", "number") and not inside:
            break
        run.append(token)
    for used in range(len(run), 0, -1):
        part = [t for t in run[:used] if t.kind != "mark"]
        if run[used - 1].kind == "mark" or (part[-1].low in STOP and used > 1):
            continue
        key = "".join(t.key for t in part)
        names = vocabulary.names(key)
        words = all(t.kind == "word" for t in part)
        if not names and words and 2 <= used <= 4 and part[-1].low not in LIGHT:
            names = vocabulary.inflected([t.low for t in part])
        if key in vocabulary.composites and _clause(part):
            continue
        values = vocabulary.values(key) if _may_be_value(part, at) else ()
        if names or values:
            if used == 1 and not _stands_alone(part[0], at, names, values):
                return None, 0
            return _name(part, names, values, at), used
        if reversed_names := _of(run, used, vocabulary):
            names, taken = reversed_names
            return _name(run[:taken], names, (), at), taken
    return None, 0


def _name(
    part: Sequence[Token], names: tuple[Meaning, ...], values: tuple[Value, ...], at: int
) -> Item:
    low, text = " ".join(t.low for t in part), " ".join(t.text for t in part)
    capital = at > 0 and all(t.capital or t.low in STOP for t in part)
    kind: Kind = "value" if values and (not names or capital) else "name"
    return Item(kind, low, text, len(part), names=names, values=values, capital=capital)


def _clause(part: Sequence[Token]) -> bool:
    """`papers made` is a noun and its verb, `paper title` and `papers' titles` are one name."""
    return part[0].low != part[0].key and part[-1].low == part[-1].key


def _may_be_value(part: Sequence[Token], at: int) -> bool:
    if any(t.kind == "word" for t in part) and len(part) > 1:
        return part[0].low not in STOP or part[0].capital
    token = part[0]
    if token.kind != "word":
        return False
    common = token.low in STOP or token.low in LIGHT or token.low in REFUSE or token.low in UNITS
    if len(token.low) == 1 or common or (token.low,) in CUES:
        return at > 0 and token.capital and token.low not in ("i", "a")
    return True


def _stands_alone(
    token: Token, at: int, names: tuple[Meaning, ...], values: tuple[Value, ...]
) -> bool:
    """Function words are no names, even where a column is called `is` or `of`."""
    if token.kind == "number":
        return False
    return token.low not in STOP or (token.capital and at > 0 and bool(values))


def _of(
    run: Sequence[Token], used: int, vocabulary: Vocabulary
) -> tuple[tuple[Meaning, ...], int] | None:
    """`type of food` for `food_type`: reversed around "of", unless what follows is a table."""
    if used != len(run) and run[used].low == "of" and used <= 2:
        start = used + 1
        if run[start : start + 1] and run[start].low == "the":
            start += 1
        for end in range(min(start + 3, len(run)), start, -1):
            tail = run[start:end]
            if any(t.low in STOP for t in tail):
                continue
            if any(m.column is None for m in vocabulary.names(squash(t.low for t in tail))):
                return None
            names = vocabulary.names(
                "".join(t.key for t in tail) + "".join(t.key for t in run[:used])
            )
            good = tuple(m for m in names if m.column and m.way in ("exact", "full"))
            if good:
                return good, end
    return None
