"""Greedy answers under layer-fused decoding, and how cheaper choices of the layer compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.generation.lfd.core import fuse, iks, lowest
from app.generation.lfd.layers import candidates, nearest
from app.generation.lfd.params import Divergence, LFDParams
from benchmarks.lfd_copy.facts import END, LONGEST, OPEN, Asked
from benchmarks.lfd_copy.model import Model

EXACT = LFDParams()
EVERY = (4, 16, None)
TOP = (8, 16, 32, 64)
_KINDS: tuple[Divergence, ...] = ("jsd", "kl")


@dataclass(frozen=True, slots=True)
class Shares:
    """Of questions, what was answered: 1 or 0 for each of them.

    Whole values first, then first tokens alone.
    """

    context: tuple[int, ...]
    memory: tuple[int, ...]
    begun_context: tuple[int, ...]
    begun_memory: tuple[int, ...]


def answers(
    model: Model, asked: Sequence[Asked], wishes: Sequence[LFDParams | None]
) -> list[list[tuple[int, ...]]]:
    """What each wish answers to each question, greedily, with the end; None decodes as usual.

    Texts that several wishes have in common go through the model once.
    """
    among = candidates(model.shape.layers)
    texts = [[one.prompt for one in asked] for _ in wishes]
    held: list[Tensor | None] = [None for _ in wishes]
    for step in range(LONGEST):
        place = {text: at for at, text in enumerate(dict.fromkeys(t for ts in texts for t in ts))}
        final, before, after = _looked(model, list(place), among)
        chosen = {kind: lowest(before, after, kind)[0] for kind in _KINDS}
        log_q = after.log_softmax(-1)
        for number, wish in enumerate(wishes):
            rows = torch.tensor([place[text] for text in texts[number]])
            tokens = final[rows]
            if wish is not None:
                layer = held[number]
                if wish.layer is not None:
                    layer = torch.full_like(rows, nearest(wish.layer, among))
                elif layer is None or wish.chooses_at(step):
                    layer = chosen[wish.divergence][rows]
                held[number] = layer
                tokens = _fused(tokens, log_q[layer, rows], wish)
            following = tokens.argmax(-1).tolist()
            texts[number] = [
                (*text, token) for text, token in zip(texts[number], following, strict=True)
            ]
    return [
        [_answer(text[len(one.prompt) :]) for one, text in zip(asked, found, strict=True)]
        for found in texts
    ]


def judged(asked: Sequence[Asked], given: Sequence[tuple[int, ...]]) -> Shares:
    """Which answers are, to the last token and the end, the context's and which memory's."""
    pairs = list(zip(asked, given, strict=True))
    return Shares(
        context=tuple(int(said == (*one.told, END)) if one.told else 0 for one, said in pairs),
        memory=tuple(int(said == (*one.known, END)) for one, said in pairs),
        begun_context=tuple(int(said[0] == one.told[0]) if one.told else 0 for one, said in pairs),
        begun_memory=tuple(int(said[0] == one.known[0]) for one, said in pairs),
    )


def agreement(
    model: Model, asked: Sequence[Asked], length: int, seed: int
) -> Mapping[str, tuple[int, int, int]]:
    """How often other ways to choose the layer do as the exact one does.

    Texts are drawn from the exact mode's own distribution, so that all ways stand before the same
    text at every token; no context is opened in them, since training leaves those out.

    Returns:
        Of each way: tokens for which the layer is the same, for which the most probable token is
        the same, and all. A fixed layer's first number is how often the exact mode chooses it.
    """
    draw = torch.Generator().manual_seed(seed)
    among = candidates(model.shape.layers)
    texts = [one.prompt for one in asked]
    rows = torch.arange(len(texts))
    counts: dict[str, tuple[int, int, int]] = {}
    kept: dict[str, Tensor] = {}
    for step in range(length):
        final, before, after = _looked(model, texts, among)
        final[:, OPEN] = -torch.inf
        place, intermediate, _ = lowest(before, after)
        fused = _fused(final, intermediate, EXACT)
        for every in EVERY:
            name = f"every {every or 'once'}"
            if name not in kept or LFDParams(every=every).chooses_at(step):
                kept[name] = place
        ways = {
            **kept,
            **{f"top {count}": _reduced(final, before, after, count) for count in TOP},
            "kl": lowest(before, after, "kl")[0],
            **{f"layer {n}": torch.full_like(place, at) for at, n in enumerate(among)},
        }
        log_q = after.log_softmax(-1)
        for name, way in ways.items():
            token = _fused(final, log_q[way, rows], EXACT).argmax(-1)
            layers, tokens, seen = counts.get(name, (0, 0, 0))
            counts[name] = (
                layers + int((way == place).sum()),
                tokens + int((token == fused.argmax(-1)).sum()),
                seen + len(texts),
            )
        drawn = torch.multinomial(fused.softmax(-1), 1, generator=draw)[:, 0].tolist()
        texts = [(*text, token) for text, token in zip(texts, drawn, strict=True)]
    return counts


def _looked(
    model: Model, texts: Sequence[Sequence[int]], among: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits after texts: the last layer's [R, V], and the candidates' around blocks [K, R, V]."""
    before, after = model.at_the_end(texts)
    index = [layer - 1 for layer in among]
    return after[-1], before[index], after[index]


def _fused(final: Tensor, intermediate: Tensor, wish: LFDParams) -> Tensor:
    alpha, weight = (torch.full((len(final),), of) for of in (wish.alpha, wish.weight))
    return fuse(final, intermediate, alpha, weight)


def _reduced(final: Tensor, before: Tensor, after: Tensor, count: int) -> Tensor:
    """The layer of the lowest score over the last layer's most probable tokens alone, [R]."""
    ids = final.topk(count, -1).indices.expand(len(before), -1, -1)
    return iks(before.gather(-1, ids), after.gather(-1, ids)).argmin(0)


def _answer(tokens: tuple[int, ...]) -> tuple[int, ...]:
    return tokens[: tokens.index(END) + 1] if END in tokens else tokens
