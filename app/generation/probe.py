"""The proof that a server decodes with fused layers: a request that only a working plugin answers.

The plugin forces the first of two token ids if its self-check succeeds, else the second. Asked for
both orders, no server that ignores the request answers with the first twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from app.domain.lfd import Probed, State
from app.domain.model import MalformedReply, ModelError, PromptRefused
from app.generation.chat import reported
from app.generation.deadline import Deadline
from app.generation.endpoint import Endpoint

# Completions, not chats: they need no template and no parser of replies.
_PATH, STEP = "completions", "lfd.probe"
# Ordinary tokens in every vocabulary known; the second pair should one of the first be special.
_PAIRS = ((42, 101), (163, 188))
_REASONS: Mapping[State, str] = {
    "on": "",
    "broken": "the plugin is loaded, but its self-check failed",
    "absent": "the model server ignores LFD arguments",
}
_OURS = re.compile(r"\blfd")  # the switch, or a parameter: what the plugin's refusals name
# Whoever is turned away by these has not been told about the parameters.
_TELLS_NOTHING = frozenset({401, 403, 408, 429})


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


async def probe(
    endpoint: Endpoint, model: str, seconds: float, clock: Callable[[], datetime] = now
) -> Probed:
    """What a server says of layer-fused decoding; never raises. Costs at most four tokens.

    Args:
        endpoint: Open; of its own, so that a probe waits for no place among the questions.
        seconds: For all requests together.
    """
    deadline = Deadline.after(seconds)
    try:
        for pair in _PAIRS:
            state = await _asked(endpoint, model, pair, deadline)
            if state is not None:
                return Probed(state, _REASONS[state], clock())
    except MalformedReply:
        pass
    except ModelError as error:
        state, reason = _failed(error)
        return Probed(state, endpoint.told(reason), clock())
    return Probed("absent", _REASONS["absent"], clock())


async def _asked(
    endpoint: Endpoint, model: str, pair: tuple[int, int], deadline: Deadline
) -> State | None:
    """What a pair of tokens tells; None where another may tell more."""
    a, b = pair
    first = await _token(endpoint, model, a, b, deadline)
    second = await _token(endpoint, model, b, a, deadline)
    if (first, second) == (a, b):
        return "on"
    if (first, second) == (b, a):
        return "broken"
    return "absent" if {first, second} & {a, b} else None


async def _token(endpoint: Endpoint, model: str, a: int, b: int, deadline: Deadline) -> int:
    """The token that is answered to a probe.

    Raises:
        MalformedReply: The server does not tell token ids, which vLLM does.
    """
    body = {
        "model": model,
        "prompt": "The",
        "max_tokens": 1,
        "temperature": 0,
        "return_token_ids": True,
        **arguments({"lfd_probe": [a, b]}),
    }
    answer = await endpoint.post(_PATH, STEP, body, deadline)
    if isinstance(answer, dict) and answer.get("error"):
        raise reported(answer["error"])
    try:
        (token,) = answer["choices"][0]["token_ids"]
    except (TypeError, LookupError, ValueError) as error:
        raise MalformedReply("the model server tells no token ids") from error
    if type(token) is not int:
        raise MalformedReply("the model server tells no token ids")
    return token


def arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Members of a request's body that ask for layer-fused decoding.

    Many checkpoints bring a repetition penalty, which vLLM applies unless told otherwise, and with
    which the plugin refuses to go.
    """
    return {"vllm_xargs": {"lfd": 1, **given}, "repetition_penalty": 1.0}


def names_arguments(refusal: PromptRefused) -> bool:
    """Whether a server refuses a request for what `arguments` added to it."""
    return any(name in refusal.said for name in ("vllm_xargs", "repetition_penalty")) or bool(
        _OURS.search(refusal.said)
    )


def _failed(error: ModelError) -> tuple[State, str]:
    status, said = error.status, error.said
    # Others that do not know the field quote it whole.
    if status == 400 and _OURS.search(said) and "vllm_xargs" not in said:
        return "refused", said
    if 400 <= status < 500 and status not in _TELLS_NOTHING:
        return "absent", f"the model server answers {status} to the probe"
    return "unknown", str(error)
