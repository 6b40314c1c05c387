"""The same requests to a server and to the reference."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from reference import Decoded, Reference, Wish, top
from served import Server

WISHES: Sequence[Wish | None] = (
    None,
    Wish(0.1, 1),
    Wish(0.02, 0.5),
    Wish(0.5, 2),
    Wish(every=4),
    Wish(0.02, 2, every=None),
    Wish(layer=5),
    Wish(0.02, divergence="kl"),
)
TOP = 5
_BORDER = 2e-4
_CLAMPED = -9e3  # the API says -9999 for minus infinity


@dataclass(frozen=True)
class Pair:
    """One request's outcome on both sides."""

    wish: Wish | None
    expected: Decoded
    ids: list[int]
    top: list[dict[int, float]]

    def off(self) -> float:
        """Largest difference of the top log-probabilities; infinite where other tokens have one.

        Steps are left out on which a token is at the border of the head but for rounding: whether
        it belongs changes the others' share.
        """
        worst = 0.0
        steps = zip(self.expected.log_probs, self.expected.edges, self.top, strict=True)
        for log_probs, edge, theirs in steps:
            ours = top(log_probs, TOP)
            if edge < _BORDER:
                continue
            if ours.keys() != theirs.keys():
                return float("inf")
            worst = max(worst, *(abs(ours[id] - theirs[id]) for id in ours))
        return worst

    @property
    def compared(self) -> float:
        """Share of the steps that `off` looks at."""
        edges = self.expected.edges
        return sum(edge >= _BORDER for edge in edges) / len(edges)


def prompts(
    reference: Reference, tokens: int, count: int = 6, shared: int = 0
) -> list[tuple[list[int], list[Decoded]]]:
    """Random prompts with what the reference says to each of `WISHES`.

    Those on which it has to decide between two that are equal but for rounding are passed over.

    Args:
        tokens: That are decoded.
        shared: Length of the beginning that all have in common.
    """
    draw = random.Random(3)
    beginning = [draw.randrange(300, 1_100) for _ in range(shared)]
    found: list[tuple[list[int], list[Decoded]]] = []
    while len(found) < count:
        length = draw.randrange(5, 70)
        prompt = [*beginning, *(draw.randrange(300, 1_100) for _ in range(length))]
        decoded = reference.generate(prompt, tokens, WISHES)
        if all(each.sure for each in decoded):
            found.append((prompt, decoded))
    return found


def arguments(wish: Wish | None) -> dict[str, Any]:
    """What a request says to wish for it."""
    if wish is None:
        return {}
    layer = {} if wish.layer is None else {"lfd_layer": wish.layer}
    given = {
        "lfd": 1,
        "lfd_alpha": wish.alpha,
        "lfd_weight": wish.weight,
        "lfd_divergence": wish.divergence,
        "lfd_every": wish.every or "once",
        **layer,
    }
    return {"vllm_xargs": given}


def compared(server: Server, asked: list[tuple[list[int], list[Decoded]]]) -> list[Pair]:
    """Ask everything at once, in mixed batches."""
    wanted = [
        (prompt, wish, expected)
        for prompt, decoded in asked
        for wish, expected in zip(WISHES, decoded, strict=True)
    ]

    def ask(one: tuple[list[int], Wish | None, Decoded]) -> Pair:
        prompt, wish, expected = one
        answer = server.complete(
            prompt,
            max_tokens=len(expected.ids),
            ignore_eos=True,
            logprobs=TOP,
            return_tokens_as_token_ids=True,
            **arguments(wish),
        )["choices"][0]
        tops = [
            {int(name.partition(":")[2]): value for name, value in step.items() if value > _CLAMPED}
            for step in answer["logprobs"]["top_logprobs"]
        ]
        return Pair(wish, expected, answer["token_ids"], tops)

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(ask, wanted))
