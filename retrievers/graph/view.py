"""What searches read of a passage index: one state of it, in an order that ids cannot disturb."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from retrievers.graph.index import NOTHING, PassageIndex
from retrievers.graph.question import Question
from retrievers.graph.ragged import gather
from retrievers.graph.walk import Links, Vector, walk
from retrievers.graph.words import words
from retrievers.protocol import Profile
from retrievers.types import ChunkId

Integers = npt.NDArray[np.int64]
REMEMBERED = 1_000_000
"""Scores of recent walks that a view keeps (8 bytes each)."""


@dataclass(frozen=True, slots=True)
class GraphOptions:
    """Weights of the walk; retrieval is flat around these values."""

    onward: float = 0.8
    steps: int = 10  # even
    entity_mass: float = 1.0  # restart mass of the question's entities, beside 1 of the seeds
    title_bonus: float = 2.0  # for the first passage of the entity's own document
    later_bonus: float = 1.0  # for its other passages
    search_threads: int = 2


class View:
    """An immutable state of a passage index.

    Row i is a live passage, ascending by chunk key; column j an entity that some passage mentions.

        idf(e)  = ln(1 + N / df(e))
        w(p, e) = (1 + ln tf(p, e) [+ bonus if e is the title of p]) · idf(e) / max idf
    """

    def __init__(self, index: PassageIndex, options: GraphOptions) -> None:
        self._options = options
        self._index = index  # its strings and names only: they grow, and never change a meaning
        rows = np.array(index.order, np.int64)
        self.ids: Integers = index.chunks.values[rows]
        self._by_id = np.argsort(self.ids)
        self._flat = index.text.flat
        self._starts, self._lengths = index.text.starts[rows], index.text.lengths[rows]
        self._term_of = index.term_of.values
        self._term_rows = index.term_rows.values.copy()
        mentions, counts = index.mentions.gather(rows)
        self._column, self._keys = _columns(mentions[:, 0], len(index.keys))
        columns = self._column[mentions[:, 0]]
        owner = np.repeat(np.arange(len(rows)), counts)
        self.titles = _lookup(self._column, index.titles.values[rows])
        df = np.bincount(columns, minlength=len(self._keys))
        self.idf: Vector = np.log1p(len(rows) / np.maximum(df, 1))
        self._highest = float(self.idf.max(initial=0.0))
        bonus = np.where(index.leading.values[rows], options.title_bonus, options.later_bonus)
        weights = 1 + _log(mentions[:, 1]) + (self.titles[owner] == columns) * bonus[owner]
        weights *= (self.idf / self._highest)[columns]
        bounds = np.concatenate([[0], np.cumsum(counts)])
        shape = (len(rows), len(self._keys))
        self.links = Links(csr_matrix((weights, columns, bounds), shape=shape))
        # A search is followed by a profile of what it found, from the same seeds.
        self._walked: deque[tuple[Question, Mapping[ChunkId, float], Vector]] = deque(
            maxlen=max(2, min(16, REMEMBERED // max(len(rows), 1)))
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def count(self) -> int:
        """Entities, which are the columns."""
        return len(self._keys)

    def known(self, key: str) -> bool:
        """Whether a question may name an entity so."""
        return self._index.names.get(key) is not None

    @property
    def entities_per_passage(self) -> float:
        """Distinct entities that a passage mentions, on average."""
        return len(self.links.weights.data) / max(len(self), 1)

    def visits(self, question: Question, seeds: Mapping[ChunkId, float]) -> Vector | None:
        """The walk's score of each row; None if there is nothing to start from."""
        for earlier, from_seeds, visits in list(self._walked):
            if earlier == question and from_seeds == seeds:
                return visits
        passages = self._restart(seeds)
        entities = np.zeros(len(self._keys))
        asked = self.asked(question)
        if len(asked):
            idf = self.idf[asked]
            entities[asked] = self._options.entity_mass * idf / math.fsum(idf)
        total = math.fsum(passages[passages > 0]) + math.fsum(entities[asked])
        if not total:
            return None
        options = self._options
        visits = walk(self.links, passages / total, entities / total, options.onward, options.steps)
        self._walked.append((question, dict(seeds), visits))
        return visits

    def best(
        self,
        question: Question,
        seeds: Mapping[ChunkId, float],
        count: int,
        allowed: Integers | None,
    ) -> dict[ChunkId, float]:
        """The `count` most visited passages among the allowed ones, with their scores."""
        visits = self.visits(question, seeds)
        if visits is None:
            return {}
        if allowed is not None:
            visits = np.where(np.isin(self.ids, allowed), visits, 0.0)
        reached = np.flatnonzero(visits > 0)
        if len(reached) > count:
            reached = reached[np.argpartition(-visits[reached], count - 1)[:count]]
        pairs = zip(self.ids[reached].tolist(), visits[reached].tolist(), strict=True)
        return {ChunkId(chunk): score for chunk, score in pairs}

    def asked(self, question: Question) -> Integers:
        """Columns of the entities that the question names, ascending by key."""
        index = self._index
        found = set(index.names.mentions(question.words, question.starts))
        for span in question.spans:
            entity = index.names.get(span)
            found.add(index.keys.find(span) if entity is None else entity)
        known = [key for key in found if 0 <= key < len(self._column) and self._column[key] >= 0]
        known.sort(key=index.keys.strings.__getitem__)
        return self._column[np.array(known, np.int64)]

    def profile(
        self, question: Question, seeds: Mapping[ChunkId, float], ids: Sequence[ChunkId]
    ) -> Profile:
        """Everything bridge selection wants to know of these passages, in their order."""
        rows = self._rows(np.array(ids, np.int64))
        asked = self.asked(question)
        terms, weights = self._terms(question)
        owner, column, strength = self._entities(rows, asked)
        place = {term: position for position, term in enumerate(terms.tolist())}
        return Profile(
            weights=weights,
            covers=self._covers(rows, terms),
            owner=owner,
            entity=column,
            strength=strength,
            specificity=self._specificity(question, asked),
            words=question.display,
            word_terms=tuple(self._places(word, place) for word in question.display),
            proximity=self._proximity(self.visits(question, seeds), rows),
            linked=tuple(self._index.keys.strings[self._keys[entity]] for entity in asked),
        )

    def _restart(self, seeds: Mapping[ChunkId, float]) -> Vector:
        passages = np.zeros(len(self))
        ids = np.fromiter(seeds, np.int64, len(seeds))
        rows = self._rows(ids)
        shares = np.fromiter(seeds.values(), np.float64, len(seeds))
        passages[rows[rows >= 0]] = shares[rows >= 0]
        total = math.fsum(passages[passages > 0])
        return passages / total if total else passages

    def rows(self, chunks: Sequence[ChunkId]) -> Integers:
        """Rows of chunks, -1 for those that are not here."""
        return self._rows(np.array(chunks, np.int64))

    def entities_of(self, row: int) -> Integers:
        """Columns of the entities that a passage mentions."""
        matrix = self.links.weights
        entries = slice(matrix.indptr[row], matrix.indptr[row + 1])
        return np.asarray(matrix.indices[entries], np.int64)

    def key(self, column: int) -> str:
        """The key of an entity."""
        key: str = self._index.keys.strings[self._keys[column]]
        return key

    def rarity(self, column: int) -> float:
        """An entity's idf over the highest, in [0, 1]."""
        return float(self.idf[column] / self._highest) if self._highest else 0.0

    def _rows(self, ids: Integers) -> Integers:
        if not len(self):
            return np.full(len(ids), -1)
        places = np.searchsorted(self.ids, ids, sorter=self._by_id)
        rows = self._by_id[np.minimum(places, len(self) - 1)]
        return np.where(self.ids[rows] == ids, rows, -1)

    def _term(self, word: str) -> int:
        """The number of a lower-case word's term, -1 if no passage holds it."""
        term = self._index.stemmer.term(word)
        number = NOTHING if term is None else self._index.terms.find(term)
        # What a writer has added since is no part of this state.
        known = 0 <= number < len(self._term_rows) and self._term_rows[number]
        return number if known else NOTHING

    def _terms(self, question: Question) -> tuple[Integers, Vector]:
        """The question's terms that occur here, and their shares of the weight of all its terms."""
        found: dict[str, int] = {}
        for word in question.words:
            stem = self._index.stemmer.term(word)
            if stem is not None and stem not in found:
                found[stem] = self._term(word)
        df = [int(self._term_rows[term]) if term != NOTHING else 1 for term in found.values()]
        idf = np.log1p(len(self) / np.array(df, np.float64))
        terms = np.array(list(found.values()), np.int64)
        total = math.fsum(idf)
        weights = idf / total if total else idf
        return terms[terms != NOTHING], weights[terms != NOTHING]

    def _covers(self, rows: Integers, terms: Integers) -> Vector:
        """(rows, terms) 1 where the passage holds the term."""
        covers = np.zeros((len(rows), len(terms)))
        if not len(terms):
            return covers
        here = np.flatnonzero(rows >= 0)
        stream, lengths = gather(self._flat, self._starts[rows[here]], self._lengths[rows[here]])
        held = self._term_of[stream >> 1]
        order = np.argsort(terms)
        place = np.minimum(np.searchsorted(terms, held, sorter=order), len(terms) - 1)
        found = terms[order[place]] == held
        covers[np.repeat(here, lengths)[found], order[place[found]]] = 1
        return covers

    def _entities(self, rows: Integers, asked: Integers) -> tuple[Integers, Integers, Vector]:
        """Owner, column and strength of each entity that these passages mention."""
        here = np.flatnonzero(rows >= 0)
        matrix = self.links.weights
        starts = matrix.indptr[rows[here]].astype(np.int64)
        lengths = matrix.indptr[rows[here] + 1] - starts
        column, _ = gather(matrix.indices, starts, lengths)
        owner = np.repeat(here, lengths)
        strength = self.idf[column] / (self._highest or 1.0)
        strength = strength * np.where(self.titles[rows[owner]] == column, 2.0, 1.0)
        strength[np.isin(column, asked)] = 0
        return owner, column.astype(np.int64), strength

    def _specificity(self, question: Question, asked: Integers) -> float:
        """How particular the most particular entity is that the question names, in [0, 1].

        A single word that the question does not write as a name ("hardware", or "List" at its
        start) is as common as the word is, whatever few passages write it with a capital.
        """
        best = 0.0
        for entity in asked:
            key = self._index.keys.strings[self._keys[entity]]
            idf = float(self.idf[entity])
            if " " not in key and key not in question.named:
                term = self._term(key)
                df = int(self._term_rows[term]) if term != NOTHING else len(self)
                idf = min(idf, math.log1p(len(self) / df))
            best = max(best, idf)
        return best / self._highest if self._highest else 0.0

    def _places(self, word: str, place: Mapping[int, int]) -> tuple[int, ...]:
        numbers = (self._term(part.lower()) for part in words(word))
        return tuple(place[number] for number in numbers if number in place)

    def _proximity(self, visits: Vector | None, rows: Integers) -> Vector:
        if visits is None or not len(visits):
            return np.zeros(len(rows))
        return np.where(rows >= 0, visits[rows] / visits.max(), 0.0)


def _columns(entities: npt.NDArray[Any], keys: int) -> tuple[Integers, Integers]:
    """Key to column (-1 without mentions), and column to key."""
    mentioned = np.zeros(keys, np.bool_)
    mentioned[entities] = True
    numbered = np.cumsum(mentioned) - 1
    return np.where(mentioned, numbered, -1), np.flatnonzero(mentioned)


def _lookup(column: Integers, keys: npt.NDArray[Any]) -> Integers:
    found = np.full(len(keys), -1)
    found[keys != NOTHING] = column[keys[keys != NOTHING]]
    return found


def _log(counts: npt.NDArray[Any]) -> Vector:
    # Few distinct values: a table is quicker than a logarithm for each.
    table = np.log(np.maximum(np.arange(int(counts.max(initial=1)) + 1), 1))
    return np.asarray(table[counts])
