"""Made-up facts, and texts that state them with and without a context that may contradict them.

A fact says what value an entity has in a relation; entities and relations are one token, values
three or four. Half of the facts are never seen in a context while training: the questions of the
evaluation are about those.

    without a context  ? relation entity value .
    with one           [ relation entity value . ] ? relation entity value .

Of the contexts in training, some are about strangers, entities of which nothing is known and whose
values are drawn anew each time: copying is learned from these. The others are about known facts,
and mostly agree with memory.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal, get_args

Value = tuple[int, ...]
Fact = tuple[int, int]  # relation and entity
Kind = Literal["conflicting", "agreeing", "without"]
KINDS: tuple[Kind, ...] = get_args(Kind)

PAD, OPEN, CLOSE, ASK, END = range(5)
LENGTHS = (3, 4)  # of values
LONGEST = max(LENGTHS) + 1  # tokens of an answer, with its end


@dataclass(frozen=True, slots=True)
class Size:
    """How many tokens of each kind there are."""

    entities: int = 64
    strangers: int = 32
    relations: int = 4
    syllables: int = 96

    @property
    def vocabulary(self) -> int:
        """Tokens in all."""
        return END + 1 + self.relations + self.entities + self.strangers + self.syllables


@dataclass(frozen=True, slots=True)
class Mixture:
    """Of what texts the training consists.

    Args:
        conflicting: Share of the contexts about known facts that contradict memory; the answer is
            as the context says.
        in_context: Share of texts with a context.
        strange: Share of these that are about strangers.
    """

    conflicting: float
    in_context: float = 0.5
    strange: float = 0.35


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, what its context says (None without one), and what the model was taught."""

    prompt: tuple[int, ...]
    told: Value | None
    known: Value


class World:
    """The facts of one seed, and everything that is drawn from them."""

    def __init__(self, size: Size, seed: int) -> None:
        self.draw = random.Random(seed)
        relations = range(END + 1, END + 1 + size.relations)
        entities = range(relations.stop, relations.stop + size.entities)
        self.relations = relations
        self.strangers = range(entities.stop, entities.stop + size.strangers)
        self.syllables = range(self.strangers.stop, size.vocabulary)
        self.facts = [(relation, entity) for relation in relations for entity in entities]
        self.memory = {fact: self._value() for fact in self.facts}
        self.draw.shuffle(self.facts)
        half = len(self.facts) // 2
        self.shown, self.held_out = self.facts[:half], self.facts[half:]

    def row(self, width: int, mixture: Mixture) -> list[int]:
        """Texts one after another, cut at `width` tokens."""
        tokens: list[int] = []
        while len(tokens) < width:
            if self.draw.random() < mixture.in_context:
                fact, value = self._in_context(mixture)
                tokens += _context(fact, value)
            else:
                fact = self.draw.choice(self.facts)
                value = self.memory[fact]
            tokens += [ASK, *fact, *value, END]
        return tokens[:width]

    def questions(self, kind: Kind, count: int) -> list[Asked]:
        """Questions about facts that were never in a context, as many as there are at most."""
        found = []
        for fact in self.draw.sample(self.held_out, min(count, len(self.held_out))):
            told = None if kind == "without" else self._told(fact, kind == "conflicting")
            context = [] if told is None else _context(fact, told)
            found.append(Asked((*context, ASK, *fact), told, self.memory[fact]))
        return found

    def _in_context(self, mixture: Mixture) -> tuple[Fact, Value]:
        if self.draw.random() < mixture.strange:
            return (
                self.draw.choice(self.relations),
                self.draw.choice(self.strangers),
            ), self._value()
        fact = self.draw.choice(self.shown)
        return fact, self._told(fact, self.draw.random() < mixture.conflicting)

    def _told(self, fact: Fact, contradicts: bool) -> Value:
        known = self.memory[fact]
        return self._other_than(known) if contradicts else known

    def _other_than(self, known: Value) -> Value:
        """A value that has no token in common with `known` at the same place."""
        while True:
            value = self._value()
            if all(a != b for a, b in zip(value, known, strict=False)):
                return value

    def _value(self) -> Value:
        return tuple(self.draw.choices(self.syllables, k=self.draw.choice(LENGTHS)))


def _context(fact: Fact, value: Value) -> list[int]:
    return [OPEN, *fact, *value, END, CLOSE]
