"""Cuts a stored text into chunks: contiguous slices that an encoder can read whole.

Where to cut is chosen by content, not by counting: among the sentence starts between the smallest
and the largest size the one whose sentence has the smallest hash. So an edit moves the cuts of its
neighbourhood and no others, and all other chunks keep their keys and vectors. (The idea is that of
content-defined chunking in backup programs; Muthitacharoen et al., SOSP 2001.)
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.domain.documents import Parsed, Span
from app.ingest.cut.outline import Outline, Tokens
from app.ingest.cut.sentences import boundaries

_SPECIAL_TOKENS = 2
_CLAUSE = re.compile(r"[,;:—–)\]]\s|[，、：]")  # noqa: RUF001  # full width
_SPACE = re.compile(r"\s")
_CLUSTER = 64  # no real grapheme is longer; a text of nothing but combining marks is cut anyway


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in tokens of the encoder that will read the chunks.

    A text of at most `whole` tokens is never cut. A longer one gives chunks of `shortest` to
    `longest` tokens, except where headings or a lack of sentence ends force smaller ones.
    """

    whole: int
    longest: int
    shortest: int
    characters: int
    """Bound of a chunk whose tokens are long: an unknown word of 1 MB is one token to BERT."""


def limits(max_tokens: int, title_tokens: int = 0, longest: int = 240) -> Limits:
    """Limits for an encoder of `max_tokens` under a title, which is read before each chunk."""
    # A title never takes more than half of what is read: its tail is then the encoder's loss.
    whole = max(8, max_tokens - _SPECIAL_TOKENS - min(title_tokens, max_tokens // 2))
    longest = min(longest, whole)
    return Limits(whole, longest, min(100, longest // 2), 16 * whole)


def spans(parsed: Parsed, starts: Sequence[int], limit: Limits) -> list[Span]:
    """Chunks in order, disjoint, together holding every character that is not white space.

    Args:
        starts: Code-point offset of each token of `parsed.text`, ascending.
    """
    tokens = Tokens(parsed.text, starts)
    outline = Outline(parsed, tokens)
    found: list[Span] = []
    for start, end in outline.sections():
        room = limit.whole - min(outline.context_tokens(start, end), limit.whole // 2)
        if tokens.fits(start, end, room, limit.characters):
            found.append(Span(start, end, outline.context(start)))
            continue
        longest = min(limit.longest, room)
        size = _Size(min(limit.shortest, longest // 2), longest, limit.characters)
        units = list(_units(tokens, start, end, outline.openings(start, end), size))
        found.extend(
            Span(first, last, outline.context(first)) for first, last in _cut(tokens, units, size)
        )
    return found


@dataclass(frozen=True, slots=True)
class _Size:
    shortest: int
    longest: int
    characters: int


def _units(
    tokens: Tokens, start: int, end: int, openings: Sequence[tuple[int, int]], size: _Size
) -> Iterator[tuple[int, int]]:
    """What a chunk is made of: sentences, or pieces of one that is too long; trimmed slices.

    A heading begins a unit, and the first sentence under it belongs to the same one.
    """
    cuts = sorted({*boundaries(tokens.text, start, end), *(first for first, _ in openings)})
    kept: list[int] = []
    passed = 0  # openings that begin before the cut
    for cut in cuts:
        while passed < len(openings) and openings[passed][0] < cut:
            passed += 1
        if passed == 0 or cut > openings[passed - 1][1]:
            kept.append(cut)
    for first, last in zip(kept, [*kept[1:], end], strict=True):
        yield from _pieces(tokens, *tokens.trimmed(first, last), size)


def _pieces(tokens: Tokens, start: int, end: int, size: _Size) -> Iterator[tuple[int, int]]:
    while start < end and not tokens.fits(start, end, size.longest, size.characters):
        limit = min(tokens.after(start, size.longest), start + size.characters)
        cut = _break(tokens.text, start, limit)
        yield tokens.trimmed(start, cut)
        start, _ = tokens.trimmed(cut, end)
    if start < end:
        yield start, end


def _break(value: str, start: int, limit: int) -> int:
    """The best place in `(start, limit]` to cut a sentence."""
    for pattern in (_CLAUSE, _SPACE):
        ends = [match.end() for match in pattern.finditer(value, (start + limit) // 2, limit)]
        if ends:
            return ends[-1]
    cut = limit
    while cut > max(start + 1, limit - _CLUSTER) and not _is_border(value, cut):
        cut -= 1
    return cut if _is_border(value, cut) else limit


def _is_border(value: str, at: int) -> bool:
    """Whether two graphemes meet at `at`; rules enough for real text, not all of UAX 29."""
    before, after = value[at - 1], value[at] if at < len(value) else ""
    if not after or after == "\u200d" or before == "\u200d":
        return not after
    if unicodedata.category(after).startswith("M") or "\U0001f3fb" <= after <= "\U0001f3ff":
        return False
    flags = "\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff"
    jamo = "\u1100" <= before <= "\u11ff" and "\u1160" <= after <= "\u11ff"
    return not flags and not jamo and (before, after) != ("\r", "\n")


def _cut(
    tokens: Tokens, units: Sequence[tuple[int, int]], size: _Size
) -> Iterator[tuple[int, int]]:
    """Group units into chunks; each cut stands before the unit with the smallest hash in reach."""
    places = [bisect_left(tokens.starts, start) for start, _ in units]
    places.append(bisect_left(tokens.starts, units[-1][1]))
    hashes: dict[int, bytes] = {}

    def weight(number: int) -> bytes:
        if number not in hashes:
            start, end = units[number]
            unit = tokens.text[start:end].encode("utf-8", "surrogatepass")
            hashes[number] = hashlib.blake2b(unit, digest_size=8).digest()
        return hashes[number]

    first, end = 0, units[-1][1]
    while first < len(units):
        start = units[first][0]
        if tokens.fits(start, end, size.longest, size.characters):
            yield start, end
            return
        reach = first + 1
        while (
            places[reach + 1] - places[first] <= size.longest
            and units[reach][1] - start <= size.characters
        ):
            reach += 1
        # `reach` is the first unit that no longer fits, so the cut is before it or earlier.
        roomy = [
            number
            for number in range(first + 1, reach + 1)
            if places[number] - places[first] >= size.shortest
            and places[-1] - places[number] >= size.shortest
        ]
        cut = min(roomy, key=weight) if roomy else reach
        yield start, units[cut - 1][1]
        first = cut
