"""Whether layer-fused decoding makes a tiny model answer from the context instead of from memory.

A transformer of 8 layers learns made-up facts until it knows them by heart, from texts of which
most have no context; the others show one first, which the answer follows also in the few cases
where it contradicts what is known. Facts that are asked for here were never in a context then:

conflicting  the context says another value than memory
agreeing     the context says what memory says
without      no context

An answer counts if it is the value to the last token, greedily decoded. What is neither the
context's value nor memory's is other. Differences to plain decoding are
paired by question; intervals of 95 % are bootstrapped over seeds and questions. Agreement with the
exact mode is counted on texts that are drawn from the exact mode's distribution.

How many contexts contradict memory while training, how many are about strangers, and the number of
steps were chosen from plain decoding of the first seed alone (`--plain-only`), before anything was
measured with layer-fused decoding: so that the answers to conflicting questions are neither always
nor never the context's. With a quarter of the contexts about strangers and 2 % contradicting none
was the context's after 300 steps, with a half and 10 % almost all were after 450; a trial of the
settings that were kept gave 55 %. How far copying has come after that many steps depends much on
chance, so the share without LFD differs from seed to seed and from that trial. Earlier forms of the
task, with a second fact in each context or without strangers, taught hardly any copying in the
time.

Answers have at most five tokens, so that `every 4` and `once` differ only in the last of these.

    python -m benchmarks.lfd_copy
    python -m benchmarks.lfd_copy --plain-only --conflicting 0.02 --seeds 1

Needs torch. LFD is as reconstructed from the abstract of arXiv 2508.19614; a model this small says
nothing about how large the effect is elsewhere.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from typing import Any

import torch

from benchmarks import report
from benchmarks.lfd_copy.decoding import Shares, agreement, answers, judged
from benchmarks.lfd_copy.facts import KINDS, Mixture, Size, World
from benchmarks.lfd_copy.grid import WISHES
from benchmarks.lfd_copy.model import Model, Shape
from benchmarks.lfd_copy.summary import show, summary
from benchmarks.lfd_copy.training import Course, train

CONFLICTING = 0.05
_DRAWN = 32  # tokens of a text on which ways to choose the layer are compared
_TEXTS = 16  # of each kind


def measured(seed: int, size: Size, course: Course, plain_only: bool) -> dict[str, Any]:
    """One seed: trained, asked, compared; `answers` has the shares of each kind by wish."""
    began = time.monotonic()
    world = World(size, seed)
    model = Model(Shape(size.vocabulary), seed)
    loss = train(model, world, course)
    wishes = {"plain": None} if plain_only else WISHES
    found: dict[str, dict[str, Shares]] = {}
    texts = []
    for kind in KINDS:
        asked = world.questions(kind, len(world.held_out))
        texts += asked[:_TEXTS]
        given = answers(model, asked, list(wishes.values()))
        found[kind] = {name: judged(asked, said) for name, said in zip(wishes, given, strict=True)}
    compared = {} if plain_only else agreement(model, texts, _DRAWN, seed)
    print(f"seed {seed}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return {"loss": loss, "answers": found, "agreement": compared}


def main() -> None:
    """Train, ask, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="models to train")
    parser.add_argument("--steps", type=int, default=300, help="of training each")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument(
        "--conflicting",
        type=float,
        default=CONFLICTING,
        help="share of the contexts that contradict memory while training",
    )
    parser.add_argument("--plain-only", action="store_true", help="no LFD; nothing is written")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    size = Size()
    course = Course(steps=args.steps, mixture=Mixture(args.conflicting))
    began = time.monotonic()
    runs = [measured(seed, size, course, args.plain_only) for seed in range(1, args.seeds + 1)]
    result = {
        "setting": {
            "seeds": args.seeds,
            "facts": asdict(size),
            "model": asdict(Shape(size.vocabulary)),
            "course": asdict(course),
            "torch": torch.__version__,
            "threads": args.threads,
            "wall_s": round(time.monotonic() - began),
            "cpu_s": round(time.process_time()),
        },
        **summary(runs),
    }
    show(result)
    if not args.plain_only:
        report.write("lfd_copy", result)


if __name__ == "__main__":
    main()
