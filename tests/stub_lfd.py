"""What model servers do about layer-fused decoding, as vLLM 0.32 and others were seen to.

Each takes a request for a completion or a chat. To a completion it gives the whole reply; to a chat
with arguments, which vLLM answers by a stream, the refusal, or None where it takes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from stub_replies import Hang, Raw, Reply, Request, Reset, Status

from app.generation.lfd.params import parse

Lfd = Callable[[Request], Reply | None]

HALF = (
    "lfd cannot be had from this server: its plugin was not loaded: name anabranch_lfd in "
    "VLLM_PLUGINS, or do not set it"
)


def plugin(request: Request) -> Reply | None:
    """vLLM with a plugin that works."""
    return _vllm(request, 0)


def broken(request: Request) -> Reply | None:
    """vLLM with a plugin whose self-check fails."""
    return _vllm(request, 1)


def half_loaded(request: Request) -> Reply | None:
    """vLLM whose processor was loaded and whose models were not."""
    return _refused(request, HALF)


def without(request: Request) -> Reply | None:
    """vLLM without the plugin: it ignores what it does not know."""
    return _token(777) if request.probing else None


def stubborn(request: Request) -> Reply | None:
    """A server that happens to say the first token of the first probe, whatever is asked."""
    return _token(42) if request.probing else None


def plain(request: Request) -> Reply | None:
    """A server that ignores the arguments and tells no token ids."""
    if not request.probing:
        return None
    return Status(200, body=json.dumps({"choices": [{"index": 0, "text": " sea"}]}))


def strict(request: Request) -> Reply | None:
    """A server that refuses fields it does not know."""
    return Status(400, body='{"error": {"message": "Unrecognized argument: vllm_xargs"}}')


def quoting(request: Request) -> Reply | None:
    """A server that refuses them and quotes them."""
    told = f"extra fields not permitted: {json.dumps({'vllm_xargs': request.vllm_xargs})}"
    return Status(400, body=json.dumps({"detail": told}))


def chats_only(request: Request) -> Reply | None:
    """A server without plain completions."""
    return Status(404, body='{"detail": "Not Found"}')


def locked(request: Request) -> Reply | None:
    """A server that does not take our key."""
    return Status(401)


def failing(request: Request) -> Reply | None:
    """A server in trouble."""
    return Status(503)


def away(request: Request) -> Reply | None:
    """A server that breaks off."""
    return Reset()


def hanging(request: Request) -> Reply | None:
    """A server that never answers."""
    return Hang()


def garbled(request: Request) -> Reply | None:
    """A server that answers no JSON."""
    return Status(200, body="<html>")


def _vllm(request: Request, place: int) -> Reply | None:
    try:
        wish = parse(request.vllm_xargs)
    except ValueError as error:
        return _refused(request, str(error))
    if wish and request.body.get("repetition_penalty") != 1.0:
        return _refused(request, "lfd does not go together with repetition_penalty: send 1.0")
    if not request.probing:
        return None
    assert request.body["max_tokens"] == 1
    assert request.temperature == 0
    assert request.body["return_token_ids"] is True
    return _token(wish.probe[place] if wish and wish.probe else 777)


def _token(id: int) -> Status:
    choice = {"index": 0, "text": "", "finish_reason": "length", "token_ids": [id]}
    return Status(200, body=json.dumps({"object": "text_completion", "choices": [choice]}))


def _refused(request: Request, why: str) -> Reply:
    error = {"message": why, "type": "BadRequestError", "param": None, "code": 400}
    body = json.dumps({"error": error})
    if request.stream:  # the status has left by then
        return Raw([f"data: {body}\n\n".encode(), b"data: [DONE]\n\n"])
    return Status(400, body=body)
