"""Request shapes against a stub on loopback; no live server was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from retrievers.embedders.remote import RemoteEmbedder
from retrievers.errors import QueryRefused, RetrieverUnavailable

pytestmark = pytest.mark.anyio


@dataclass
class Stub:
    """Answers each text with [its length, 1], last text first, unless an answer is scripted."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    scripted: list[tuple[int, str]] = field(default_factory=list)

    def answer(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> tuple[int, str]:
        self.requests.append({"path": path, "headers": headers, "body": body})
        if self.scripted:
            return self.scripted.pop(0)
        data = [
            {"object": "embedding", "index": at, "embedding": [float(len(text)), 1.0]}
            for at, text in enumerate(body["input"])
        ]
        return 200, json.dumps({"object": "list", "model": body["model"], "data": data[::-1]})


@pytest.fixture
def stub() -> Iterator[Stub]:
    answers = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, text = answers.answer(self.path, headers, json.loads(self.rfile.read(size)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        answers.url = f"http://127.0.0.1:{server.server_port}/v1"
        yield answers
        server.shutdown()
        thread.join()


async def opened(stub: Stub, **options: Any) -> RemoteEmbedder:
    options = {"dimension": 2, "backoff_s": 0, "key": "secret"} | options
    embedder = RemoteEmbedder(stub.url, "some-model", **options)
    await embedder.open()
    return embedder


def unit(*lengths: float) -> np.ndarray[Any, Any]:
    rows = np.array([[length, 1] for length in lengths])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


async def test_a_request_has_the_shape_of_the_protocol(stub: Stub) -> None:
    embedder = await opened(stub)
    vectors = await embedder.queries(["a", "bcd"])
    (request,) = stub.requests
    assert request["path"] == "/v1/embeddings"
    assert request["headers"]["authorization"] == "Bearer secret"
    assert request["body"] == {
        "model": "some-model",
        "input": ["a", "bcd"],
        "encoding_format": "float",
    }
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, unit(1, 3), atol=1e-6)
    await embedder.close()


async def test_without_a_key_none_is_sent(stub: Stub) -> None:
    embedder = await opened(stub, key="")
    await embedder.queries(["a"])
    assert "authorization" not in stub.requests[0]["headers"]
    await embedder.close()


async def test_prefixes_are_put_before_the_texts(stub: Stub) -> None:
    embedder = await opened(stub, query_prefix="query: ", passage_prefix="passage: ")
    await embedder.queries(["a"])
    await embedder.passages(["b"])
    assert [request["body"]["input"] for request in stub.requests] == [["query: a"], ["passage: b"]]
    await embedder.close()


async def test_many_passages_go_in_several_requests_and_keep_their_order(stub: Stub) -> None:
    embedder = await opened(stub)
    vectors = await embedder.passages(["x" * (number + 1) for number in range(150)])
    assert sorted(len(request["body"]["input"]) for request in stub.requests) == [22, 64, 64]
    np.testing.assert_allclose(vectors, unit(*range(1, 151)), atol=1e-6)
    await embedder.close()


async def test_no_texts_need_no_request(stub: Stub) -> None:
    embedder = await opened(stub)
    assert (await embedder.passages([])).shape == (0, 2)
    assert stub.requests == []
    await embedder.close()


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_passages_are_tried_again_while_the_server_is_busy(stub: Stub, status: int) -> None:
    stub.scripted = [(status, "busy")] * 2
    embedder = await opened(stub, retries=2)
    assert (await embedder.passages(["a"])).shape == (1, 2)
    assert len(stub.requests) == 3
    await embedder.close()


async def test_retries_end(stub: Stub) -> None:
    stub.scripted = [(503, "busy")] * 3
    embedder = await opened(stub, retries=2)
    with pytest.raises(RetrieverUnavailable, match="answered 503: busy"):
        await embedder.passages(["a"])
    assert len(stub.requests) == 3
    await embedder.close()


async def test_questions_are_tried_once(stub: Stub) -> None:
    stub.scripted = [(503, "busy")]
    embedder = await opened(stub)
    with pytest.raises(RetrieverUnavailable, match="503"):
        await embedder.queries(["a"])
    assert len(stub.requests) == 1
    await embedder.close()


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_text_the_server_refuses_is_refused(stub: Stub, status: int) -> None:
    stub.scripted = [(status, "too long")]
    embedder = await opened(stub)
    with pytest.raises(QueryRefused, match="too long"):
        await embedder.passages(["a"])
    await embedder.close()


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_wrong_key_or_model_is_not_tried_again(stub: Stub, status: int) -> None:
    stub.scripted = [(status, "no")]
    embedder = await opened(stub)
    with pytest.raises(RetrieverUnavailable, match=str(status)):
        await embedder.passages(["a"])
    assert len(stub.requests) == 1
    await embedder.close()


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        "{}",
        '{"data": []}',
        '{"data": [{"index": 1, "embedding": [1, 0]}]}',
        '{"data": [{"index": 0, "embedding": ["a", 0]}]}',
        '{"data": [{"index": 0, "embedding": 1}]}',
        '{"data": [{"index": 0, "embedding": [0, 0]}]}',
        '{"data": [{"index": 0, "embedding": [NaN, 0]}]}',
    ],
)
async def test_an_answer_without_usable_vectors_is_an_unavailable_encoder(
    stub: Stub, text: str
) -> None:
    stub.scripted = [(200, text)]
    embedder = await opened(stub)
    with pytest.raises(RetrieverUnavailable):
        await embedder.queries(["a"])
    await embedder.close()


async def test_vectors_of_another_width_are_refused(stub: Stub) -> None:
    embedder = await opened(stub, dimension=3)
    with pytest.raises(RetrieverUnavailable, match="gives 2 numbers, 3 are set"):
        await embedder.queries(["a"])
    await embedder.close()


async def test_a_server_that_is_away_is_named() -> None:
    embedder = RemoteEmbedder("http://127.0.0.1:1/v1", "m", "", 2, backoff_s=0)
    with pytest.raises(RetrieverUnavailable, match="not open"):
        await embedder.queries(["a"])
    await embedder.open()
    with pytest.raises(RetrieverUnavailable, match=r"127\.0\.0\.1:1/v1/embeddings cannot"):
        await embedder.passages(["a"])
    await embedder.close()


def test_the_fingerprint_names_what_shapes_vectors_but_not_the_address() -> None:
    def fingerprint(url: str = "http://a/v1", **options: Any) -> str:
        return RemoteEmbedder(url, "m", "", 2, **options).fingerprint

    assert fingerprint("http://b/v1") == fingerprint()
    assert fingerprint(query_prefix="query: ") != fingerprint()
    assert fingerprint(max_tokens=512) != fingerprint()
    assert RemoteEmbedder("http://a/v1", "n", "", 2).fingerprint != fingerprint()


async def test_offsets_are_spans_of_word_pieces() -> None:
    embedder = RemoteEmbedder("http://a/v1", "m", "", 2)
    assert embedder.offsets("lighthouse!") == [(0, 5), (5, 10), (10, 11)]
