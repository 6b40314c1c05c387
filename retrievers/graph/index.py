"""The passage-entity graph of one collection, kept up to date as documents come and go.

What a passage says (its words, its candidates) is kept; which candidates are entities and where
they are mentioned follows from all passages together. When a key becomes a name, or stops being
one, the passages that contain it are linked again: greedy longest match can differ only there. So
the graph after any history equals the graph of the passages that are left.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from retrievers.graph.linking import LONGEST_NAME, Names, may_start, title_alias, title_key
from retrievers.graph.numbers import Numbers
from retrievers.graph.ragged import Column, Ragged
from retrievers.graph.words import Stemmer, words
from retrievers.types import Chunk

MOST_WORDS = 4_096
"""Words of a passage that are read; passages are cut far below."""
MOST_TITLE_WORDS = 64
_FACTOR = 1_000_003
SLACK = 10_000
"""Values that may lie unused before arrays are packed."""
NOTHING = -1

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk and the candidates its text holds."""

    chunk: Chunk
    candidates: Mapping[str, int]

    @property
    def stamp(self) -> int:
        """Changes whenever the graph would read the chunk differently."""
        chunk = self.chunk
        return crc32("\0".join((chunk.title, chunk.context, chunk.text)).encode(errors="replace"))


class PassageIndex:
    """The writer's side; `retrievers.graph.view.View` is what searches read.

    A row is one passage and is never reused; rows of passages that are gone stay behind, dead,
    until the index is saved and loaded.
    """

    def __init__(self, stemmer: Stemmer) -> None:
        self.stemmer = stemmer
        self.words, self.terms, self.keys = Numbers(), Numbers(), Numbers()
        self.names = Names()
        self.chunk_keys: list[str] = []
        # By row.
        self.chunks, self.documents = Column(np.int64), Column(np.int64)
        self.titles, self.aliases = Column(np.int32), Column(np.int32)  # keys, or NOTHING
        self.leading, self.alive = Column(np.bool_), Column(np.bool_)
        self.stamps = Column(np.int64)
        self.text = Ragged(np.int32)  # 2 · word, + 1 where a name may start
        self.spans = Ragged(np.int32)  # distinct candidates' keys
        self.mentions = Ragged(np.int32, 2)  # entity (the number of its key), times mentioned
        # By word, term and key.
        self.term_of = Column(np.int32)
        self.term_rows, self.span_rows, self.title_rows = (Column(np.int32) for _ in range(3))
        self._full_titles: defaultdict[int, Counter[int]] = defaultdict(Counter)  # by alias
        self.order: list[int] = []  # live rows, ascending by chunk key

    def replace(self, documents: Collection[int], passages: Sequence[Passage]) -> bool:
        """Hold exactly these passages for these documents; tells whether anything changed."""
        gone, fresh = self._difference(documents, passages)
        if not len(gone) and not fresh:
            return False
        touched = self._remove(gone) | self._add(fresh)
        changed = self._rename(touched)
        first = len(self.alive) - len(fresh)
        self._reorder(first)
        stale = self._containing(changed, first)
        self.link([*stale.tolist(), *range(first, len(self.alive))])
        return True

    def fill(self, passages: Sequence[Passage]) -> None:
        """Add passages to an index that is built from nothing; `finish` makes it whole."""
        distinct = {passage.chunk.id: passage for passage in passages}
        self._add(list(distinct.values()))

    def finish(self) -> None:
        """Order the passages, name the entities and link everything."""
        self._reorder(0)
        self._rename(range(len(self.keys)))
        self.link(self.order)

    @property
    def worn(self) -> bool:
        """Whether so much was removed that the index should be saved and loaded afresh."""
        live = self.text.lengths[np.array(self.order, np.int64)]
        return len(self.text.flat) > 2 * int(live.sum()) + SLACK

    def link(self, rows: Sequence[int]) -> None:
        """Find the mentions of these rows again."""
        lengths: list[int] = []
        flat: list[tuple[int, int]] = []
        strings, keys = self.words.strings, self.keys.strings
        for row in rows:
            stream = self.text.row(row)
            lower = [strings[number] for number in (stream >> 1).tolist()]
            found = Counter(self.names.mentions(lower, np.flatnonzero(stream & 1).tolist()))
            title = int(self.titles.values[row])
            if title != NOTHING and title not in found:
                found[title] = 1
            # Sums over a row's entries run in this order, whatever the numbers are.
            flat.extend(sorted(found.items(), key=lambda item: keys[item[0]]))
            lengths.append(len(found))
        self.mentions.put(rows, lengths, np.array(flat, np.int32).reshape(-1, 2))
        if len(self.mentions.flat) > 2 * int(self.mentions.lengths.sum()) + SLACK:
            self.mentions.pack()

    def derive(self) -> None:
        """Count and name everything, after the rows were filled in from a file."""
        for row in np.flatnonzero(self.aliases.values != NOTHING).tolist():
            self._full_titles[int(self.aliases.values[row])][int(self.titles.values[row])] += 1
        self._count(np.array(self.order, np.int64), 1)
        self._rename(range(len(self.keys)))

    def _difference(
        self, documents: Collection[int], passages: Sequence[Passage]
    ) -> tuple[Rows, list[Passage]]:
        """Rows to remove and passages to add; what stays the same is left alone."""
        wanted = np.fromiter(documents, np.int64, len(documents))
        present = np.flatnonzero(self.alive.values & np.isin(self.documents.values, wanted))
        held = {int(self.chunks.values[row]): int(row) for row in present}
        distinct = {int(passage.chunk.id): passage for passage in passages}
        fresh = []
        for chunk_id, passage in sorted(distinct.items(), key=lambda item: item[1].chunk.key):
            row = held.get(chunk_id)
            if row is not None and self._same(row, passage):
                del held[chunk_id]
            else:
                fresh.append(passage)
        return np.array(sorted(held.values()), np.int64), fresh

    def _same(self, row: int, passage: Passage) -> bool:
        return (
            self.chunk_keys[row] == passage.chunk.key
            and int(self.stamps.values[row]) == passage.stamp
            and bool(self.leading.values[row]) == (passage.chunk.ordinal == 0)
        )

    def _remove(self, rows: Rows) -> set[int]:
        self.alive.values[rows] = False
        for row in rows.tolist():
            title, alias = int(self.titles.values[row]), int(self.aliases.values[row])
            if alias != NOTHING:
                self._full_titles[alias][title] -= 1
                self._full_titles[alias] += Counter()  # drops the zeros
        self._count(rows, -1)
        return self._keys_of(rows)

    def _add(self, passages: Sequence[Passage]) -> set[int]:
        first = len(self.alive)
        streams: list[list[int]] = []
        spans: list[list[int]] = []
        for passage in passages:
            chunk = passage.chunk
            title, alias = title_key(chunk.title), title_alias(chunk.title)
            numbers = [self.keys.number(key) if key else NOTHING for key in (title, alias)]
            if alias:
                self._full_titles[numbers[1]][numbers[0]] += 1
            self.titles.extend(numbers[:1])
            self.aliases.extend(numbers[1:])
            self.chunk_keys.append(chunk.key)
            streams.append(self._read(chunk))
            spans.append([self.keys.number(key) for key in passage.candidates])
        self.chunks.extend([int(p.chunk.id) for p in passages])
        self.documents.extend([int(p.chunk.document) for p in passages])
        self.leading.extend([p.chunk.ordinal == 0 for p in passages])
        self.stamps.extend([p.stamp for p in passages])
        self.alive.extend(np.ones(len(passages), np.bool_))
        self.text.append(*_flattened(streams))
        self.spans.append(*_flattened(spans))
        self.mentions.append([0] * len(passages), np.zeros((0, 2), np.int32))
        self._stem()
        rows = np.arange(first, len(self.alive))
        self._count(rows, 1)
        return self._keys_of(rows)

    def _read(self, chunk: Chunk) -> list[int]:
        number = self.words.number
        stream: list[int] = []
        for part, limit in ((chunk.title, MOST_TITLE_WORDS), (chunk.context, MOST_TITLE_WORDS)):
            if part:
                stream += [2 * number(w.lower()) + may_start(w) for w in words(part)[:limit]]
                stream.append(2 * number(""))  # no name runs from a title into the text
        found = words(chunk.text)[:MOST_WORDS]
        return stream + [2 * number(word.lower()) + may_start(word) for word in found]

    def _stem(self) -> None:
        terms = []
        for word in self.words.strings[len(self.term_of) :]:
            term = self.stemmer.term(word) if word else None
            terms.append(NOTHING if term is None else self.terms.number(term))
        self.term_of.extend(terms)

    def _count(self, rows: Rows, by: int) -> None:
        """Add `by` to the passages of each term, candidate and title of these rows."""
        for counts, size in (
            (self.term_rows, len(self.terms)),
            (self.span_rows, len(self.keys)),
            (self.title_rows, len(self.keys)),
        ):
            counts.lengthen(size)
        stream, lengths = self.text.gather(rows)
        terms = self.term_of.values[stream >> 1].astype(np.int64)
        owner = np.repeat(np.arange(len(rows)), lengths)
        distinct = np.unique(owner[terms != NOTHING] * len(self.terms) + terms[terms != NOTHING])
        _add_counts(self.term_rows, distinct % max(len(self.terms), 1), by)
        _add_counts(self.span_rows, self.spans.gather(rows)[0], by)
        titles = self.titles.values[rows]
        _add_counts(self.title_rows, titles[titles != NOTHING], by)

    def _keys_of(self, rows: Rows) -> set[int]:
        keys = {*self.titles.values[rows].tolist(), *self.aliases.values[rows].tolist()}
        return (keys | set(self.spans.gather(rows)[0].tolist())) - {NOTHING}

    def _rename(self, keys: Iterable[int]) -> list[int]:
        """Let these keys name what they name now; returns those whose matches may change."""
        return [key for key in keys if self.names.put(self.keys.strings[key], self._entity(key))]

    def _entity(self, key: int) -> int | None:
        """The entity a key names: itself, the title it abbreviates, or nothing."""
        if self.title_rows.values[key] or self.span_rows.values[key] >= 2:
            return key
        titles = self._full_titles.get(key)
        return min(titles, key=lambda title: self.keys.strings[title]) if titles else None

    def _reorder(self, first: int) -> None:
        alive = self.alive.values
        kept = [row for row in self.order if alive[row]]
        # Nearly sorted already, which is what makes this cheap.
        self.order = sorted([*kept, *range(first, len(alive))], key=self.chunk_keys.__getitem__)

    def _containing(self, keys: Sequence[int], before: int) -> Rows:
        """Live rows below `before` in which one of the keys may be matched.

        Compares hashes of the words from each start on: a row too many is linked again in vain.
        """
        leads = np.zeros(2 * len(self.words), np.bool_)
        wanted: defaultdict[int, list[int]] = defaultdict(list)  # hashes by number of words
        for key in keys:
            parts = [self.words.find(word) for word in self.keys.strings[key].split(" ")]
            if NOTHING in parts or len(parts) > LONGEST_NAME:
                continue
            leads[2 * parts[0] + 1] = True
            wanted[len(parts)].append(_hash(parts))
        stream = self.text.flat
        places = np.flatnonzero(leads[stream])
        hit = np.zeros(len(places), np.bool_)
        codes = np.zeros(len(places), np.int64)
        for length in range(1, max(wanted, default=0) + 1):
            following = stream[np.minimum(places + length - 1, len(stream) - 1)] >> 1
            codes = codes * _FACTOR + following
            if length in wanted:
                hit |= np.isin(codes, np.array(wanted[length], np.int64))
        rows = np.unique(np.searchsorted(self.text.starts, places[hit], "right") - 1)
        return np.asarray(rows[(rows < before) & self.alive.values[rows]])


def _hash(numbers: Iterable[int]) -> int:
    """What the same steps give in wrapping 64-bit arithmetic."""
    code = 0
    for number in numbers:
        code = (code * _FACTOR + number) & 0xFFFF_FFFF_FFFF_FFFF
    return code - (code >> 63 << 64)


def _flattened(rows: Sequence[Sequence[int]]) -> tuple[list[int], npt.NDArray[Any]]:
    return [len(row) for row in rows], np.array([v for row in rows for v in row], np.int32)


def _add_counts(counts: Column, members: npt.NDArray[Any], by: int) -> None:
    counts.values[:] += by * np.bincount(members, minlength=len(counts)).astype(np.int32)
