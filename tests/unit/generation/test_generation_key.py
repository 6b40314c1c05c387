"""The key is sent and shown to nobody."""

from __future__ import annotations

import json
import traceback

import pytest
from generation_client import KEY, PROMPT, SAMPLING, Kept, client
from stub_llm import Raw, Reply, Status, Text, stub

from app.domain.model import ModelError
from app.generation.endpoint import Endpoint

pytestmark = pytest.mark.anyio

SAID = f"Incorrect API key provided: {KEY}. Authorization: Bearer {KEY}"
ERROR = json.dumps({"error": {"message": SAID, "code": 401}})


@pytest.mark.parametrize(
    "reply",
    [
        *(Status(status, body=ERROR) for status in (400, 401, 429, 500)),
        Status(401, body=SAID),
        Status(401, body=" " * 60_000 + SAID),
        Status(401, body="x" * (200 - len(KEY) // 2) + KEY),
        Status(307, {"location": f"http://127.0.0.1/{KEY}"}),
        Status(503, {"retry-after": KEY}),
        Status(503, {"bad header": KEY}),
        Raw([ERROR.encode()]),
        Raw([SAID.encode()]),
        Raw([f"data: {ERROR}\n\n".encode()]),
        Raw([f"data: {SAID}\n\n".encode()]),
        Raw([b"x"], headers={"content-encoding": KEY}),
        Text(SAID),
        Text(json.dumps({"keeper": KEY, KEY: 1})),
    ],
)
async def test_no_error_tells_the_key(reply: Reply) -> None:
    texts = []
    async with stub({"*": [reply]}) as server, client(server, retries=0) as model:
        with pytest.raises(ModelError) as raised:
            await model.complete("plan", PROMPT, Kept, SAMPLING, 5)
        texts += traceback.format_exception(raised.value)
        try:
            async with model.stream("synth", PROMPT, SAMPLING, 5) as writing:
                async for _ in writing:
                    pass
        except ModelError as error:
            texts += traceback.format_exception(error)
        health = await model.probe()
    assert KEY[:8] not in "".join(texts) + str(health) + repr(model)


async def test_the_stub_forgets_the_key_unless_it_is_asked_to_keep_it() -> None:
    for keep, wanted in ((False, "Bearer ***"), (True, f"Bearer {KEY}")):
        async with (
            stub({"*": [Text("a")]}, keep_key=keep) as server,
            client(server) as model,
            model.stream("synth", PROMPT, SAMPLING, 5) as writing,
        ):
            assert [piece async for piece in writing] == ["a"]
        assert server.requests[0].headers["authorization"] == wanted


@pytest.mark.parametrize("key", ["sk-1\n", " sk-1", "sk 1", "sk-ü", "sk-\x00"])
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ValueError, match="key holds characters") as raised:
        Endpoint("http://127.0.0.1:1/v1", key)
    assert "sk" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:1/v1",
        "ftp://host/v1",
        "http://",
        "http://host:port/v1",
        "http://user:sk-1@host/v1",
        "http://host/v1?key=sk-1",
        "http://host/v1#sk-1",
    ],
)
def test_an_unusable_address_is_refused_without_showing_a_secret_of_it(url: str) -> None:
    with pytest.raises(ValueError, match="address") as raised:
        Endpoint(url, "")
    assert "sk-1" not in str(raised.value)
