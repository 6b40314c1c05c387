"""Makes a follow-up question stand alone, with what was said before it."""

from __future__ import annotations

from collections.abc import Sequence

from app.engine.prompts.rewrite import Standalone, prompt
from app.engine.run import Run
from app.engine.sanitise import sanitise

STEP = "rewrite"
_LONGEST = 2_000  # characters


async def standalone(run: Run, question: str, turns: Sequence[tuple[str, str]]) -> str:
    """The question as it is searched for; as it was asked where no model rewrites it.

    Args:
        turns: Who said what before, the oldest first.
    """
    if not turns:
        return question
    reply = await run.complete(STEP, prompt(question, turns), Standalone, max_tokens=200)
    said = " ".join(sanitise(reply.question).split()) if reply is not None else ""
    if said and len(said) <= _LONGEST:
        return said
    why = "" if run.thinks else " without a model"
    run.degrade("llm", f"earlier turns are not read{why}")
    return question
