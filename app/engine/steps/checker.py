"""Judges a model's statements, releases those that stand in what they cite, keeps the account."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.domain.hit import Hit
from app.engine.cite import CiteOptions, Passages, Quote, Statement, quoted
from app.engine.prompts.synth import Failing, Mended
from app.engine.reading.marked import Marked, cut
from app.engine.reading.passage import folded, mentions
from app.engine.sanitise import sanitise
from app.engine.steps.write import Pick
from app.engine.verify import Verifier, VerifyOptions, table
from retrievers.types import CollectionId, Rows

Release = Callable[[Statement], None]

_NO_ANSWER = re.compile(r"\W*no[\s_-]*answer\W*", re.IGNORECASE)
_SHORT = re.compile(r"\W*short(?:\s+answer)?\W*:\s*(.*)", re.IGNORECASE)
_LETTER = re.compile(r"[^\W_]")
_LONGEST_SHORT = 100  # characters
_EDGES = " \t.,;:*_\"'`“”()"


@dataclass(frozen=True, slots=True)
class SynthOptions:
    """How much is shown, written and mended."""

    passages: int = 8
    prompt_tokens: int = 6_000  # estimated; less where the budget holds less
    completion_tokens: int = 800
    statements: int = 12  # released; then the model is not read any further
    characters: int = 20_000  # read, of a server that does not keep to the tokens
    repaired: int = 6  # failing statements that are given back
    repair_seconds: float = 6.0
    verify: VerifyOptions = field(default_factory=VerifyOptions)
    cite: CiteOptions = field(default_factory=CiteOptions)


@dataclass(frozen=True, slots=True)
class Considered:
    """One statement of the model, for the trace."""

    text: str
    passages: tuple[str, ...]  # keys of the hits that support it, or that it cited
    outcome: str  # verified, mended, or why it was left out


class Checker:
    """Verifies statements, releases what stands, and keeps the account."""

    def __init__(
        self,
        question: str,
        hits: Sequence[Hit],
        collection: CollectionId,
        passages: Passages,
        release: Release,
        options: SynthOptions,
    ) -> None:
        self.options, self._hits, self._release = options, hits, release
        self._collection, self._passages = collection, passages
        self._verifier = Verifier(question, hits, options.verify)
        self._short = ""
        self.refused = False
        self.released: list[Statement] = []
        self.failing: list[Failing] = []
        self.considered: list[Considered] = []
        self.mended = 0

    @property
    def full(self) -> bool:
        """Whether no further statement is wanted."""
        return self.refused or len(self.released) >= self.options.statements

    @property
    def short(self) -> str | None:
        """The short answer, where a released quote or cell holds it."""
        text = sanitise(self._short).strip(_EDGES)
        wanted = folded(text)
        held = [
            folded(said)
            for statement in self.released
            for source in statement.sources
            for said in _texts(source, self.options)
        ]
        stands = any(mentions(said, wanted) for said in held)
        return text if stands and len(text) <= _LONGEST_SHORT else None

    async def take(self, marked: Marked) -> None:
        """Judge the next statement of the model."""
        if _NO_ANSWER.fullmatch(marked.text):
            self.refused = not self.released
            return
        if short := _SHORT.match(marked.text):
            self._short = short[1]
            return
        text = _cleaned(marked.text)
        if not marked.marks and text.endswith(":"):  # an introduction or a heading
            return
        if fault := await self._judged(text, marked.marks, "verified"):
            holder = self._verifier.holder(text) if marked.marks else None
            self.failing.append(Failing(text, marked.marks, fault, holder))
            self.considered.append(Considered(text, self._keys(marked.marks), fault))

    async def mend(self, mended: Mended) -> None:
        """Judge a statement that the model has written again."""
        stood = False
        for text, marks in cut(mended.text):
            if _NO_ANSWER.fullmatch(text) or _SHORT.match(text):
                continue
            every = tuple(dict.fromkeys([*marks, *mended.marks]))
            if not self.full and not await self._judged(_cleaned(text), every, "mended"):
                stood = True
        self.mended += stood

    async def _judged(self, text: str, marks: Sequence[int], outcome: str) -> str:
        """Release the statement, or say why not; one that was said already is passed over."""
        if not _LETTER.search(text):
            return "nothing of it may be said"
        if any(folded(text) == folded(said.text) for said in self.released):
            return ""
        found = await self._sourced(text, marks)
        if isinstance(found, str):
            return found
        statement, numbers = found
        self.released.append(statement)
        self.considered.append(Considered(text, self._keys(numbers), outcome))
        self._release(statement)
        return ""

    async def _sourced(
        self, text: str, marks: Sequence[int]
    ) -> tuple[Statement, tuple[int, ...]] | str:
        """The statement with sources that still stand, and their numbers; or why there is none."""
        while True:
            verdict = self._verifier.check(text, marks)
            if not verdict.sources:
                return verdict.reason
            picks = [one.origin for one in verdict.sources if isinstance(one.origin, Pick)]
            quotes = await quoted(picks, self._passages, self._collection, self.options.cite)
            read = iter(quotes)
            sources = {
                one.number: one.origin if isinstance(one.origin, Rows) else next(read)
                for one in verdict.sources
            }
            standing = tuple(source for source in sources.values() if source is not None)
            if len(standing) == len(sources):
                return Statement(text, standing), tuple(sources)
            # What is left must support it without what went.
            marks = [number for number in marks if sources.get(number, "") is not None]
            if not marks:
                return "the document it cites has changed"

    def _keys(self, numbers: Sequence[int]) -> tuple[str, ...]:
        return tuple(self._hits[one - 1].key for one in numbers if 1 <= one <= len(self._hits))


def _cleaned(text: str) -> str:
    return " ".join(sanitise(text.replace("**", "")).split())


def _texts(source: Quote | Rows, options: SynthOptions) -> list[str]:
    if isinstance(source, Quote):
        return [source.text]
    return [cell for row in table(source, options.verify.rows)[1] for cell in row]
