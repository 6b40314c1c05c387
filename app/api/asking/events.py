"""What happens while a question is answered, as the events of a stream (`id:` from 1)."""

from __future__ import annotations

from typing import Any, TypeAlias

from app.api import render
from app.api.asking.stream import frame
from app.domain.events import (
    Cited,
    Created,
    Delta,
    Planned,
    Retrieved,
    Selected,
    StepCompleted,
    StepStarted,
)

Underway: TypeAlias = (
    Created | Planned | StepStarted | Retrieved | StepCompleted | Selected | Delta | Cited
)
"""Every event but the last, which is the answer as it is kept."""


class Numbered:
    """Frames of one stream, counted."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, name: str, data: object) -> bytes:
        """The next frame."""
        self._count += 1
        return frame(data, name, self._count)


def settles(event: Underway) -> bool:
    """Whether a retriever has answered: before, it may turn out that none does, which is a 503."""
    if isinstance(event, Retrieved):
        return any(seen.status == "ok" for seen in event.channels)
    return not isinstance(event, Created | Planned | StepStarted | StepCompleted)


def told(event: Underway) -> tuple[str, dict[str, Any]]:
    """Name and data of an event."""
    match event:
        case Created():
            created = {"id": event.id, "question": event.question, "reasoning": event.reasoning}
            return "answer.created", created
        case Planned():
            plan = None if event.plan is None else dict(event.plan)
            return "plan.created", {"gate": dict(event.gate), "plan": plan}
        case StepStarted():
            return "step.started", {"step": event.step, "question": event.question}
        case Retrieved():
            return "retrieval.completed", _retrieved(event)
        case StepCompleted():
            return "step.completed", {
                "step": event.step,
                "status": event.status,
                "short_answer": event.answer,
                "stop_reason": event.reason,
            }
        case Selected():
            hits = render.hits(event.hits)
            for hit in hits:
                del hit["text"]
            return "evidence.selected", {"hits": hits}
        case Delta():
            return "answer.delta", {"text": event.text}
        case Cited():
            return "citation.added", render.citation(event.citation)


def _retrieved(event: Retrieved) -> dict[str, Any]:
    return {
        "step": event.step,
        "round": event.round,
        "query": event.query,
        "channels": {
            seen.channel: {"status": seen.status, "count": seen.count, "ms": seen.ms}
            for seen in event.channels
        },
    }
