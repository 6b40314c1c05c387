"""What happens while a question is answered, as the events of a stream (`id:` from 1)."""

from __future__ import annotations

from typing import Any

from app.api import render
from app.api.asking.stream import frame
from app.domain.events import (
    Cited,
    Completed,
    Created,
    Delta,
    Event,
    Planned,
    Retrieved,
    Selected,
    StepCompleted,
    StepStarted,
)


class Numbered:
    """Frames of one stream, counted."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, name: str, data: object) -> bytes:
        """The next frame."""
        self._count += 1
        return frame(data, name, self._count)


def settles(event: Event) -> bool:
    """Whether a retriever has answered: before, it may turn out that none does, which is a 503."""
    if isinstance(event, Retrieved):
        return any(seen.status == "ok" for seen in event.channels)
    return not isinstance(event, Created | Planned | StepStarted | StepCompleted)


def told(event: Event) -> tuple[str, dict[str, Any]]:
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
        case Completed():
            return "answer.completed", render.answer(event.answer)


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
