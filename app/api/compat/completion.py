"""An answer as a chat completion, whole and in pieces."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]


class Completion:
    """The members that the whole completion and every chunk share.

    Args:
        model: As the caller named it.
        with_usage: Whether a chunk with the usage is wanted; the others have a null there then.
    """

    def __init__(self, model: str, with_usage: bool) -> None:
        self._model, self._created = model, int(time.time())
        self._with_usage = with_usage
        self.id = ""

    def whole(self, document: Mapping[str, Any]) -> Json:
        """The completion."""
        message = {
            "role": "assistant",
            "content": document["answer"],
            "refusal": None,
            "annotations": cited(document),
        }
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": _finish(document),
        }
        return {
            **self._head(document["id"], "chat.completion"),
            "choices": [choice],
            "usage": usage(document),
            "anabranch": rest(document),
        }

    def opening(self) -> Json:
        """The first chunk, which says who speaks."""
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, text: str) -> Json:
        """A chunk with the next statement."""
        return self._chunk({"content": text})

    def closing(self, document: Mapping[str, Any]) -> Iterator[Json]:
        """The chunk that says why there is no more, with what is known only now; and the usage."""
        made = self._chunk({"annotations": cited(document)}, _finish(document))
        yield {**made, "anabranch": rest(document)}
        if self._with_usage:
            head = self._head(self.id, "chat.completion.chunk")
            yield {**head, "choices": [], "usage": usage(document)}

    def _chunk(self, delta: Json, finish: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        made = {**self._head(self.id, "chat.completion.chunk"), "choices": [choice]}
        return {**made, "usage": None} if self._with_usage else made

    def _head(self, id: str, kind: str) -> Json:
        return {"id": id, "object": kind, "created": self._created, "model": self._model}


def rest(document: Mapping[str, Any]) -> Json:
    """The answer without its text, which is the message's content."""
    return {name: value for name, value in document.items() if name != "answer"}


def usage(document: Mapping[str, Any]) -> Json:
    """What the answer cost."""
    used = document["usage"]
    prompt, completion = used["prompt_tokens"], used["completion_tokens"]
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def cited(document: Mapping[str, Any]) -> list[Json]:
    """Citations of documents and of tables; indices count code points of the content."""
    titles = {hit["chunk_id"]: hit["title"] for hit in document["evidence"] if hit["chunk_id"]}
    return [_annotation(citation, titles) for citation in document["citations"]]


def _annotation(citation: Json, titles: Mapping[str, str | None]) -> Json:
    span = {"start_index": citation["start"], "end_index": citation["end"]}
    if citation["sql"] is not None:
        return {"type": "sql_citation", "sql_citation": {**span, **citation["sql"]}}
    source = {
        "file_id": citation["document_id"],
        "filename": titles.get(citation["chunk_id"]) or citation["document_id"],
        **span,
        "quote": citation["quote"],
        "source_start": citation["source_start"],
        "source_end": citation["source_end"],
        "chunk_id": citation["chunk_id"],
    }
    return {"type": "file_citation", "file_citation": source}


def _finish(document: Mapping[str, Any]) -> str:
    # Clients take "length" for an answer that would be longer with a larger limit.
    return "length" if document["status"] == "budget_exhausted" else "stop"
