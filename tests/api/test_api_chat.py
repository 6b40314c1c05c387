"""The OpenAI-shaped routes, with bare requests and with the client they are made for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import openai
import pytest
from edge_services import ADMIN, READER, STRANGER, Services, live, make_services, serving

from app.api.compat.errors import report
from app.api.kinds import KINDS
from app.api.problems import Failure
from app.domain.errors import NoEvidence
from app.domain.events import Created, Delta, Listener, unheard
from app.domain.principal import Principal
from app.engine.run import Generation
from retrievers.filters import Compare

pytestmark = pytest.mark.anyio
HOME = "/v1/collections/default"
CHAT = "/v1/chat/completions"
TEXT = "alpha beta \U0001f600"
USER = {"role": "user", "content": "alpha ?"}
BODY = {"model": "anabranch", "messages": [USER]}


def fault(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "code", "param"}
    assert body["error"]["code"] == code
    return dict(body["error"])


def chunks(text: str) -> list[dict[str, Any]]:
    blocks = [block for block in text.split("\n\n") if block]
    assert blocks[-1] == "data: [DONE]"
    return [json.loads(block.removeprefix("data: ")) for block in blocks[:-1]]


@pytest.fixture
async def stocked(client: Any) -> Any:
    documents = [{"id": "d", "title": "The D", "text": TEXT, "metadata": {"lang": "en"}}]
    await client.post(f"{HOME}/documents", json={"documents": documents})
    return client


async def test_an_answer_is_a_chat_completion(stocked: Any) -> None:
    response = await stocked.post(CHAT, json=BODY)
    assert response.status_code == 200
    body = response.json()
    asked = (await stocked.post(f"{HOME}/ask", json={"question": "alpha ?"})).json()
    choice = body["choices"][0]
    assert body["object"] == "chat.completion"
    assert body["model"] == "anabranch"
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"] == asked["answer"]
    (annotation,) = choice["message"]["annotations"]
    assert annotation == {
        "type": "file_citation",
        "file_citation": {
            "file_id": "d",
            "filename": "The D",
            "start_index": 0,
            "end_index": len(TEXT),
            "quote": TEXT,
            "source_start": 0,
            "source_end": len(TEXT),
            "chunk_id": "chk_0",
        },
    }
    assert body["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    kept = (await stocked.get(f"/v1/answers/{body['id']}")).json()
    assert body["anabranch"] == {name: kept[name] for name in kept if name != "answer"}
    assert {**kept, "id": asked["id"]} == asked


async def test_a_stream_is_the_completion_in_pieces(stocked: Any) -> None:
    whole = (await stocked.post(CHAT, json=BODY)).json()
    response = await stocked.post(CHAT, json={**BODY, "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    first, *middle, last = chunks(response.text)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    said = "".join(chunk["choices"][0]["delta"]["content"] for chunk in middle)
    assert said == whole["choices"][0]["message"]["content"]
    assert [chunk["choices"][0]["finish_reason"] for chunk in (first, *middle)] == [None, None]
    assert last["choices"][0]["finish_reason"] == "stop"
    annotations = last["choices"][0]["delta"]["annotations"]
    assert annotations == whole["choices"][0]["message"]["annotations"]
    assert {**last["anabranch"], "id": whole["id"]} == whole["anabranch"]
    assert {chunk["id"] for chunk in (first, *middle, last)} == {last["anabranch"]["id"]}
    assert (await stocked.get(f"/v1/answers/{last['id']}")).status_code == 200
    assert all("usage" not in chunk for chunk in (first, *middle, last))


async def test_usage_comes_in_a_chunk_of_its_own_when_it_is_asked_for(stocked: Any) -> None:
    body = {**BODY, "stream": True, "stream_options": {"include_usage": True}}
    *others, last = chunks((await stocked.post(CHAT, json=body)).text)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 0
    assert [chunk["usage"] for chunk in others] == [None] * len(others)


async def test_the_last_question_is_asked_and_the_system_instructs(
    stocked: Any, services: Services
) -> None:
    services.model = "tiny-writer"
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "gamma ?"},
        {"role": "assistant", "content": None, "annotations": [], "tool_calls": None},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "user", "content": [{"type": "text", "text": "alpha ?"}], "name": "ann"},
    ]
    response = await stocked.post(
        CHAT,
        json={
            "model": "default",
            "messages": messages,
            "temperature": 0.5,
            "max_tokens": 7,
            "max_completion_tokens": 100_000,
            "seed": 11,
            "stop": ["\n"],
            "user": "ann",
            "n": 1,
            "top_p": 1,
            "presence_penalty": 0,
            "frequency_penalty": 0.0,
            "logprobs": False,
            "tools": None,
            "anabranch": {
                "reasoning": "lag",
                "top_k": 2,
                "filters": {"lang": "en"},
                "budget": {"seconds": 3},
            },
        },
    )
    assert response.status_code == 200, response.text
    request = services.ask.asked[-1]
    assert request.question == "alpha ?"
    assert (request.reasoning, request.top_k) == ("lag", 2)
    assert request.filter == Compare("lang", "eq", "en")
    assert request.limits == {"seconds": 3}
    wanted = Generation(8192, 0.5, 11, "Be brief.\n\nBe kind.")
    assert replace(request.generation, lfd=None) == wanted
    degraded = response.json()["anabranch"]["degraded"]
    assert [item["component"] for item in degraded] == ["llm"]
    assert "`stop`" in degraded[0]["reason"]


async def test_our_own_generation_options_win(stocked: Any, services: Services) -> None:
    own = {"generation": {"max_tokens": 5, "temperature": 0}}
    body = {**BODY, "max_tokens": 9, "temperature": 1, "anabranch": own}
    assert (await stocked.post(CHAT, json=body)).status_code == 200
    assert services.ask.asked[-1].generation == Generation(5, 0)


async def test_earlier_turns_reach_the_engine(stocked: Any, services: Services) -> None:
    turns = [USER, {"role": "assistant", "content": "x"}, {"role": "user", "content": "it ?"}]
    assert (await stocked.post(CHAT, json={**BODY, "messages": turns})).status_code == 200
    request = services.ask.asked[-1]
    assert request.question == "it ?"
    assert request.turns == (("user", USER["content"]), ("assistant", "x"))


async def test_rows_are_an_annotation_of_their_own(stocked: Any, services: Services) -> None:
    from app.domain.answer import Citation
    from retrievers.types import Rows

    inner = services.ask.ask

    async def ask(collection: Any, request: Any, listen: Listener = unheard) -> Any:
        rows = Rows("shop", "SELECT 1", ("n",), ((1,),))
        cited = Citation("[1]", 0, 5, None, None, None, None, None, rows)
        return replace(await inner(collection, request), citations=(cited,))

    services.ask.ask = ask
    message = (await stocked.post(CHAT, json=BODY)).json()["choices"][0]["message"]
    (annotation,) = message["annotations"]
    assert annotation["type"] == "sql_citation"
    assert annotation["sql_citation"]["statement"] == "SELECT 1"
    assert annotation["sql_citation"]["end_index"] == 5


async def test_an_exhausted_budget_is_a_length(stocked: Any, services: Services) -> None:
    inner = services.ask.ask

    async def ask(*arguments: Any) -> Any:
        return replace(await inner(*arguments), status="budget_exhausted")

    services.ask.ask = ask
    body = (await stocked.post(CHAT, json=BODY)).json()
    assert body["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("extra", "param"),
    [
        ({"tools": []}, "tools"),
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_p": 0.9}, "top_p"),
        ({"presence_penalty": 0.1}, "presence_penalty"),
        ({"frequency_penalty": -1}, "frequency_penalty"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"best_of": 2}, "best_of"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages[0].content"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [USER, {"role": "user", "content": "x" * 8001}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": "a\0"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, None),
        ({"messages": [{"role": "system", "content": "x" * 2001}, USER]}, "messages"),
        ({"anabranch": {"reasoning": "deep"}}, "anabranch.reasoning"),
        ({"anabranch": {"depth": 1}}, "anabranch.depth"),
        ({"stream_options": {"verbose": True}}, "stream_options.verbose"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_not_offered_is_400_and_named(
    client: Any, extra: dict[str, Any], param: str | None, stream: bool
) -> None:
    response = await client.post(CHAT, json={**BODY, "stream": stream, **extra})
    error = fault(response, 400, "invalid-request")
    assert error["type"] == "invalid_request_error"
    assert error["param"] == (param or "messages[0].content")
    assert error["message"]


@pytest.mark.parametrize(
    ("options", "code", "param"),
    [
        ({"filters": {"a": None}}, "bad-filter", "anabranch.filters.a"),
        (
            {"generation": {"lfd": {"required": True}}},
            "not-available",
            "anabranch.generation.lfd.required",
        ),
    ],
)
async def test_unusable_options_of_our_own_keep_their_code(
    client: Any, options: Any, code: str, param: str
) -> None:
    response = await client.post(CHAT, json={**BODY, "anabranch": options})
    assert fault(response, 400, code)["param"] == param


async def test_an_unknown_model_and_a_foreign_one_look_the_same(services: Services) -> None:
    async with serving(services, STRANGER) as stranger:
        seen = []
        for model in ("anabranch", "default", "nothing", "No Name!"):
            response = await stranger.post(CHAT, json={**BODY, "model": model})
            assert fault(response, 404, "model_not_found")["param"] == "model"
            seen.append(response.text)
        assert len(set(seen)) == 1
        own = await stranger.post(CHAT, json={**BODY, "model": "other"})
        assert own.status_code == 200


async def test_errors_keep_their_status_in_openais_shape(services: Services) -> None:
    services.keys.holders["meter"] = Principal(
        "key_meter", frozenset({"metrics"}), frozenset({"*"})
    )
    async with serving(services, None) as nobody:
        response = await nobody.post(CHAT, json=BODY)
        assert fault(response, 401, "no-key")["type"] == "authentication_error"
        assert response.headers["www-authenticate"] == "Bearer"
        fault(await nobody.get("/v1/models"), 401, "no-key")
    async with serving(services, "meter") as meter:
        error = fault(await meter.post(CHAT, json=BODY), 403, "missing-scope")
        assert error["type"] == "permission_error"
    async with serving(services, READER, limits={"rate_per_minute": 1}) as reader:
        assert (await reader.post(CHAT, json=BODY)).status_code == 200
        response = await reader.post(CHAT, json=BODY)
        assert fault(response, 429, "rate-limited")["type"] == "rate_limit_error"
        assert int(response.headers["retry-after"]) >= 1
    async with serving(services, limits={"question_bytes": 100}) as client:
        fault(await client.post(CHAT, json={**BODY, "user": "x" * 200}), 413, "too-large")
        fault(await client.get(CHAT), 405, "method-not-allowed")
        text = await client.post(CHAT, content=b"x", headers={"content-type": "text/plain"})
        fault(text, 415, "unsupported-media-type")
        fault(await client.post(CHAT, json=[1]), 400, "invalid-request")


@pytest.mark.parametrize("stream", [False, True])
async def test_without_any_retriever_it_is_503(
    client: Any, services: Services, stream: bool
) -> None:
    services.search.down = True
    response = await client.post(CHAT, json={**BODY, "stream": stream})
    assert fault(response, 503, "no-retriever")["type"] == "server_error"


async def test_a_bug_is_500_without_its_text(client: Any, services: Services) -> None:
    async def ask(*_: Any) -> Any:
        raise ZeroDivisionError("secret inside")

    services.ask.ask = ask
    response = await client.post(CHAT, json=BODY)
    fault(response, 500, "internal")
    assert "secret" not in response.text


def test_every_kind_of_problem_has_a_shape_of_openais() -> None:
    for kind in KINDS.values():
        made = report(Failure(kind, kind.meaning), "/v1/chat/completions", None)
        assert made.status == (400 if kind.status == 422 else kind.status)
        assert made.body["error"]["message"]


async def test_models_are_the_collections_a_key_sees(services: Services) -> None:
    async with serving(services) as admin:
        listed = (await admin.get("/v1/models")).json()
        assert listed["object"] == "list"
        assert [each["id"] for each in listed["data"]] == ["anabranch", "default", "other"]
        assert {each["object"] for each in listed["data"]} == {"model"}
    async with serving(services, STRANGER) as stranger:
        listed = (await stranger.get("/v1/models")).json()
        assert [each["id"] for each in listed["data"]] == ["other"]
    await services.collections.create("anabranch")
    async with serving(services) as admin:
        ids = [each["id"] for each in (await admin.get("/v1/models")).json()["data"]]
        assert ids == ["anabranch", "default", "other"]


@pytest.fixture
def shop() -> Services:
    return asyncio.run(make_services())


@pytest.fixture
def address(shop: Services) -> Iterator[str]:
    with live(shop) as url:
        yield url


@pytest.fixture
def official(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=ADMIN, base_url=f"{address}/v1", max_retries=0) as made:
        made.post(  # a document, over the client's own connection
            "/collections/default/documents",
            body={"documents": [{"id": "d", "title": "The D", "text": TEXT}]},
            cast_to=object,
        )
        yield made


def ask(client: openai.OpenAI, model: str = "anabranch", **given: Any) -> Any:
    return client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "alpha ?"}], **given
    )


def test_the_official_client_reads_answer_annotations_and_our_members(
    official: openai.OpenAI,
) -> None:
    made = ask(official)
    message = made.choices[0].message
    assert message.content == f"{TEXT} [1]"
    (annotation,) = message.annotations
    assert annotation.type == "file_citation"
    cited = annotation.file_citation
    cited = cited if isinstance(cited, dict) else cited.model_dump()
    assert message.content[cited["start_index"] : cited["end_index"]] == cited["quote"]
    assert made.anabranch["status"] == "answered"
    assert made.usage.total_tokens == 0
    again = message.model_dump()  # sent back as it came
    turns: Any = [USER, again, {"role": "user", "content": "alpha ?"}]
    assert official.chat.completions.create(model="default", messages=turns).id != made.id


def test_the_official_client_follows_a_stream(official: openai.OpenAI) -> None:
    given = {"stream": True, "stream_options": {"include_usage": True}}
    seen = list(ask(official, extra_body={"anabranch": {"top_k": 1}}, **given))
    said = "".join(chunk.choices[0].delta.content or "" for chunk in seen[:-1])
    assert said == f"{TEXT} [1]"
    finish = seen[-2]
    assert finish.choices[0].finish_reason == "stop"
    assert finish.choices[0].delta.annotations[0]["type"] == "file_citation"
    assert finish.anabranch["id"] == finish.id
    assert seen[-1].usage.total_tokens == 0


async def test_the_official_asynchronous_client_follows_a_stream(address: str) -> None:
    async with openai.AsyncOpenAI(api_key=ADMIN, base_url=f"{address}/v1") as client:
        stream = await client.chat.completions.create(
            model="other", messages=[{"role": "user", "content": "alpha ?"}], stream=True
        )
        said = [chunk.choices[0].delta.content async for chunk in stream]
    assert "does not hold the answer" in "".join(text or "" for text in said)


def test_the_official_client_lists_models(official: openai.OpenAI) -> None:
    assert [each.id for each in official.models.list()] == ["anabranch", "default", "other"]


def test_the_official_client_raises_its_own_errors(
    official: openai.OpenAI, shop: Services, address: str
) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        ask(official, "nothing")
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as refused:
        ask(official, n=2)
    assert refused.value.param == "n"
    with pytest.raises(openai.AuthenticationError):
        ask(official.with_options(api_key="nonsense"))
    shop.keys.holders["meter"] = Principal("key_m", frozenset({"metrics"}), frozenset({"*"}))
    with pytest.raises(openai.PermissionDeniedError):
        ask(official.with_options(api_key="meter"))
    shop.search.down = True
    for stream in (False, True):
        with pytest.raises(openai.InternalServerError) as away:
            ask(official, stream=stream)
        assert away.value.status_code == 503


def test_the_official_client_raises_what_breaks_a_stream(
    official: openai.OpenAI, shop: Services
) -> None:
    go_on = asyncio.Event()
    loops = []

    async def broken(_: Any, request: Any, listen: Listener = unheard) -> Any:
        listen(Created("ans_x", request.question, request.reasoning))
        listen(Delta("A first statement."))
        loops.append(asyncio.get_running_loop())
        await go_on.wait()
        raise NoEvidence("all gone")

    shop.ask.ask = broken
    stream = iter(ask(official, stream=True))
    assert next(stream).choices[0].delta.role == "assistant"
    assert next(stream).choices[0].delta.content == "A first statement."
    loops[0].call_soon_threadsafe(go_on.set)
    with pytest.raises(openai.APIError, match="all gone"):
        next(stream)
