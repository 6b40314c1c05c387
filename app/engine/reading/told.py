"""A statement, read: its claims and words, and which of them a window holds."""

from __future__ import annotations

from app.engine.reading.claims import Evidence, claims, name_parts
from app.engine.reading.windows import Window, stems


class Question:
    """What a question lends to the statements that answer it: names, and words for its rows."""

    def __init__(self, text: str) -> None:
        self.evidence, self.stems = Evidence(text), stems(text)


class Told:
    """Looks each window over once.

    Attributes:
        claims: Key of each claim and how it is shown, in an order of their own.
        stems: Of all words but numbers.
        plain: Those of no name.
        lent: Those of names that the question says, which count neither for nor against.
    """

    def __init__(self, text: str, question: Question) -> None:
        self.text, self._question = text, question
        self._read = read = claims(text)
        self._parts = tuple(part for name in read.names for part in name_parts(name))
        self._spelt = {part: stems(part) for part in self._parts}
        self.claims = (
            *((f"number {one}", one) for one in sorted(read.numbers)),
            *((f"date {one}", one.lstrip("-")) for one in sorted(read.dates)),
            *((f"code {one}", one) for one in sorted(read.codes)),
            *((f"name {one}", one) for one in self._parts),
            *([(f"name {read.opening}", read.opening)] if read.opening else []),
        )
        self.stems = stems(text)
        self.plain = self.stems.difference(*self._spelt.values())
        self.lent = frozenset[str]().union(
            *(self._spelt[part] for part in self._parts if question.evidence.has_name(part))
        )
        self._met: dict[int, frozenset[str]] = {}
        self._held: dict[int, frozenset[str]] = {}

    def met(self, window: Window) -> frozenset[str]:
        """Keys of the claims that a window meets, or the question, where that counts."""
        if id(window) not in self._met:
            self._met[id(window)] = frozenset(self._looked_up(window))
        return self._met[id(window)]

    def held(self, window: Window) -> frozenset[str]:
        """Stems that count as found with a window: of its words, and of names that stand around."""
        if id(window) not in self._held:
            texts = _naming(window)
            names = (
                spelt
                for part, spelt in self._spelt.items()
                if any(text.has_name(part) for text in texts)
            )
            self._held[id(window)] = self.words_held(window).union(*names)
        return self._held[id(window)]

    def words_held(self, window: Window) -> frozenset[str]:
        """Stems of a window's words; rows answer the question as it was put."""
        asked = self._question.stems if window.is_table else frozenset[str]()
        return window.stems | window.around_stems | asked

    def _looked_up(self, window: Window) -> set[str]:
        read, asked = self._read, self._question.evidence
        near = (window.own, window.around)
        names = (*_naming(window), asked)
        found = {
            f"number {one}"
            for one in read.numbers
            if any(one in text.numbers for text in near) and self._in_place(one, window)
        }
        found |= {f"date {one}" for one in read.dates if any(one in text.dates for text in near)}
        found |= {
            f"code {one}"
            for one in read.codes
            if any(text.has_code(one) for text in (*near, asked))
        }
        whole = {name for name in read.names if any(text.has_name(name) for text in names)}
        found |= {
            f"name {part}"
            for part in self._parts
            if any(part in name for name in whole) or any(text.has_name(part) for text in names)
        }
        opening = read.opening
        if opening and any(text.has_name(opening) or text.has_word(opening) for text in names):
            found.add(f"name {opening}")
        return found

    def _in_place(self, number: str, window: Window) -> bool:
        """Whether a number stands in a row of what the statement names, if it names any row."""
        named = [
            row
            for row in window.rows
            if any(not word.isdigit() and word in self.stems for word in row.stems)
        ]
        return not named or any(number in row.numbers for row in named)


def _naming(window: Window) -> tuple[Evidence, ...]:
    """The texts in which a window's names may stand."""
    return (window.own, window.around, *([window.before] if window.before else []))
