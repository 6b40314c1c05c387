"""A parsed text as the chunker sees it: its tokens, its sections, what stands above a place."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.domain.documents import Heading, Parsed

_SECTION_LEVEL = 2  # headings down to this one end a chunk
_CONTEXT_HEADINGS = 2
_CONTEXT_CHARACTERS = 120  # of one heading
_SPACE = re.compile(r"\s")
_BLOCK = 65_536
"""Characters that the encoder tokenizes at once, holding a hundred bytes for each meanwhile."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text with the places where its tokens begin, ascending."""

    text: str
    starts: Sequence[int]

    def count(self, start: int, end: int) -> int:
        """How many tokens begin in the slice."""
        return bisect_left(self.starts, end) - bisect_left(self.starts, start)

    def fits(self, start: int, end: int, tokens: int, characters: int) -> bool:
        """Whether the slice keeps both bounds."""
        return end - start <= characters and self.count(start, end) <= tokens

    def after(self, start: int, tokens: int) -> int:
        """Where the slice from `start` ends that holds so many tokens; never empty."""
        number = bisect_left(self.starts, start) + tokens
        # Tokens of parts of one character begin at the same place.
        return max(start + 1, self.starts[number] if number < len(self.starts) else len(self.text))

    def trimmed(self, start: int, end: int) -> tuple[int, int]:
        """The slice without white space around it."""
        while start < end and self.text[start].isspace():
            start += 1
        while end > start and self.text[end - 1].isspace():
            end -= 1
        return start, end


def token_starts(text: str, offsets: Callable[[str], Sequence[tuple[int, int]]]) -> Sequence[int]:
    """Where the tokens of a text begin, ascending.

    The same as of the whole text at once, since no token reaches across white space; only a text
    that has none for a few blocks is cut anywhere.

    Args:
        offsets: The encoder's tokens, as `Embedder.offsets`.
    """
    starts = array("I")
    at = 0
    while at < len(text):
        space = _SPACE.search(text, at + _BLOCK, at + 4 * _BLOCK)
        end = space.start() if space else min(at + 4 * _BLOCK, len(text))
        starts.extend([at + start for start, _ in offsets(text[at:end])])
        at = end
    return starts


class Outline:
    """The headings of a document over its tokens."""

    def __init__(self, parsed: Parsed, tokens: Tokens) -> None:
        self._headings, self._tokens = parsed.headings, tokens
        self._title = parsed.title.strip()
        self._starts = [heading.start for heading in parsed.headings]
        self._paths: list[tuple[Heading, ...]] = []  # to each heading, itself last
        path: tuple[Heading, ...] = ()
        for heading in parsed.headings:
            path = (*(outer for outer in path if outer.level < heading.level), heading)
            self._paths.append(path)

    def sections(self) -> Iterator[tuple[int, int]]:
        """Trimmed slices, cut before each heading of a chapter or section that follows text.

        A heading that follows nothing but headings stays with them: alone it says nothing.
        """
        start = previous = 0
        has_text = False
        for heading in self._headings:
            has_text = has_text or bool(self._tokens.text[previous : heading.start].strip())
            if has_text and heading.level <= _SECTION_LEVEL:
                yield from self._not_empty(start, heading.start)
                start, has_text = heading.start, False
            previous = heading.end
        yield from self._not_empty(start, len(self._tokens.text))

    def context(self, at: int) -> str:
        """The last headings above a slice that begins at `at`, without the title."""
        return " > ".join(
            heading.text[:_CONTEXT_CHARACTERS].rstrip() for heading in self._above(at)
        )

    def context_tokens(self, start: int, end: int) -> int:
        """The most tokens that the context of a slice in this section may take."""
        first, last = bisect_right(self._starts, start), bisect_left(self._starts, end)
        inner = (self._headings[number].end for number in range(max(0, first - 1), last))
        return max(
            sum(self._tokens.count(heading.start, heading.end) for heading in self._above(place))
            for place in (start, *inner)
        )

    def openings(self, start: int, end: int) -> list[tuple[int, int]]:
        """For each heading that begins in the slice: its start, and that of the text under it."""
        first, last = bisect_left(self._starts, start), bisect_left(self._starts, end)
        return [
            (heading.start, self._tokens.trimmed(heading.end, end)[0])
            for heading in self._headings[first:last]
        ]

    def _above(self, at: int) -> Sequence[Heading]:
        number = bisect_right(self._starts, at) - 1
        if number < 0:
            return ()
        path = self._paths[number]
        if self._starts[number] == at:
            path = path[:-1]  # it stands in the slice itself
        return [heading for heading in path if heading.text != self._title][-_CONTEXT_HEADINGS:]

    def _not_empty(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        start, end = self._tokens.trimmed(start, end)
        if start < end:
            yield start, end
