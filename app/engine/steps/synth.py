"""Lets a model write the answer, and releases only what the passages it cites were found to say.

Statements are checked one by one while the model still writes. Those that fail are given back to it
once; what fails again is left out. Without a model, or with one that breaks, the caller writes with
verbatim sentences (`app/engine/steps/write.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.domain.hit import Hit
from app.domain.model import ModelError, Prompt
from app.engine.budget import prompt_tokens
from app.engine.cite import Passages
from app.engine.prompts import synth as prompts
from app.engine.prompts.fence import Numbered, nonce
from app.engine.prompts.shown import fitting, numbered
from app.engine.reading.marked import Cutter
from app.engine.run import Run
from app.engine.steps.checker import Checker, Considered, Release, SynthOptions
from app.engine.steps.write import STEP
from retrievers.types import CollectionId

Outcome = Literal["written", "no answer", "nothing verified", "failed"]
_Ending = Literal["whole", "long", "broken", "leaked", "refused"]


@dataclass(frozen=True, slots=True)
class Note:
    """What a node of the plan found."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What became of the model's answer.

    Args:
        outcome: `failed` where it broke, or told what it must not, before anything was released.
        dropped: Statements that were left out.
        cut: Whether the text ended before its end, after statements had been released.
        short: The short answer, if a cited quote holds it.
    """

    outcome: Outcome
    model: str = ""
    statements: tuple[Considered, ...] = ()
    dropped: int = 0
    cut: bool = False
    short: str | None = None


async def synthesise(
    run: Run,
    question: str,
    notes: Sequence[Note],
    hits: Sequence[Hit],
    collection: CollectionId,
    passages: Passages,
    release: Release,
    options: SynthOptions | None = None,
) -> Synthesis | None:
    """Write an answer from ranked hits; None where there is no model to ask.

    Never raises `ModelError`; cancelling it ends the request at the server.

    Args:
        hits: Best first.
        release: Is given each verified statement at once, in order; mended ones at the end.
    """
    options = options or SynthOptions()
    if not run.thinks or not hits:
        return None
    canary, word = nonce(), nonce()
    told = [(note.question, note.answer) for note in notes]

    def asking(shown: Sequence[Numbered]) -> Prompt:
        return prompts.prompt(
            question,
            told,
            shown,
            run.generation.instructions,
            most=options.statements,
            canary=canary,
            word=word,
        )

    every = [numbered(*one, options.verify.rows) for one in enumerate(hits[: options.passages], 1)]
    left = min(options.prompt_tokens, run.ledger.prompt_tokens_left)
    shown = fitting(every, left - prompt_tokens(asking([])), word)
    if not shown:
        return Synthesis("failed")
    checker = Checker(question, hits[: len(shown)], collection, passages, release, options)
    leak = _Leak(canary)
    ending, model = await _written(run, asking(shown), checker, leak, options)
    if checker.failing and ending in ("whole", "long"):
        await _mended(run, question, shown, checker, leak)
    if leak.found:
        run.degrade("llm", "prompt_leak: the reply held what only the model was told")
    return Synthesis(
        outcome=_outcome(checker, ending),
        model=model,
        statements=tuple(checker.considered),
        dropped=max(0, len(checker.failing) - checker.mended),
        cut=bool(checker.released) and ending in ("long", "broken", "leaked"),
        short=checker.short,
    )


class _Leak:
    """Looks for the canary in what a model writes, however it is spaced."""

    def __init__(self, canary: str) -> None:
        self.canary, self.found = canary, False
        self._seen = ""

    def in_(self, piece: str) -> bool:
        """Whether the text up to this piece holds it."""
        self._seen += "".join(sign for sign in piece.lower() if sign.isalnum())
        self.found = self.found or self.canary in self._seen
        self._seen = self._seen[-len(self.canary) :]
        return self.found


async def _written(
    run: Run, prompt: Prompt, checker: Checker, leak: _Leak, options: SynthOptions
) -> tuple[_Ending, str]:
    """Read the model's text statement by statement; how that ended, and the model's name."""
    cutter, model, left = Cutter(), "", options.characters
    ending: _Ending = "whole"
    try:
        async with run.stream(STEP, prompt, options.completion_tokens) as writing:
            if writing is None:
                return "broken", ""
            async for piece in writing:
                model = writing.so_far().model
                if leak.in_(piece):
                    return "leaked", model
                left -= len(piece)
                if left < 0:
                    return "long", model
                for marked in cutter.feed(piece):
                    await checker.take(marked)
                    if checker.full:
                        return ("refused" if checker.refused else "long"), model
            done = writing.so_far()
            ending = "long" if done.finish == "length" else "whole"
    except ModelError:
        ending = "broken"
    for marked in cutter.end(whole=ending == "whole"):
        if not checker.full:
            await checker.take(marked)
    return ("refused" if checker.refused else ending), model


async def _mended(
    run: Run, question: str, shown: Sequence[Numbered], checker: Checker, leak: _Leak
) -> None:
    """Give failing statements back to the model once, with their reasons."""
    failing = checker.failing[: checker.options.repaired]
    word = nonce()
    useful = {number for one in failing for number in (*one.marks, one.holder)}
    order = sorted(shown, key=lambda one: one.number not in useful)

    def asking(passages: Sequence[Numbered]) -> Prompt:
        ordered = sorted(passages, key=lambda one: one.number)
        return prompts.repair(question, failing, ordered, canary=leak.canary, word=word)

    left = min(checker.options.prompt_tokens, run.ledger.prompt_tokens_left)
    told = fitting(order, left - prompt_tokens(asking([])), word)
    if not told:
        return
    reply = await run.complete(
        f"{STEP}.repair",
        asking(told),
        prompts.Mends,
        100 * (1 + len(failing)),
        writing=True,
        seconds=checker.options.repair_seconds,
    )
    mends = reply.statements[: len(failing)] if reply else []
    if leak.in_(" ".join(mended.text for mended in mends)):
        return
    for mended in mends:
        await checker.mend(mended)


def _outcome(checker: Checker, ending: _Ending) -> Outcome:
    if checker.released:
        return "written"
    if ending in ("broken", "leaked"):
        return "failed"
    return "no answer" if ending == "refused" else "nothing verified"
