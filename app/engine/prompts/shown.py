"""What a prompt shows of the evidence, and how much of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.domain.hit import Hit
from app.engine.budget import estimated
from app.engine.prompts.fence import Numbered, fenced
from app.engine.verify import table

_LEAST_TOKENS = 60  # of a passage that is cut


def numbered(number: int, hit: Hit, rows: int) -> Numbered:
    """A hit as a prompt shows it; of a table the labels and the first `rows` rows."""
    if hit.chunk is not None:
        context = " > ".join(part for part in (hit.chunk.title, hit.chunk.context) if part)
        return Numbered(number, context, hit.chunk.text)
    if hit.rows is None:
        return Numbered(number, "", "")
    labels, cells = table(hit.rows, rows)
    lines = [" | ".join(row) for row in [labels, *cells]]
    more = hit.rows.truncated or len(hit.rows.rows) > len(cells)
    return Numbered(number, f"table {hit.rows.source}", "\n".join([*lines, *["…"] * more]))


def fitting(passages: Sequence[Numbered], tokens: int, word: str) -> list[Numbered]:
    """The first passages that fit; the very first is cut where even that one does not."""
    kept: list[Numbered] = []
    for one in passages:
        cost = estimated(fenced([one], word)) + 1
        if cost > tokens:
            room = tokens - estimated(fenced([bare := Numbered(one.number, one.title, "")], word))
            if not kept and room > _LEAST_TOKENS:
                kept.append(replace(bare, text=_shortened(one.text, room)))
            break
        kept.append(one)
        tokens -= cost
    return kept


def _shortened(text: str, tokens: int) -> str:
    """The longest beginning of so many tokens, found by halving: tokens are no signs."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if estimated(text[:middle]) < tokens else (low, middle - 1)
    return text[:low]
