"""Vectors from a server that speaks `/v1/embeddings` (vLLM, TEI, OpenAI and others)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np

from retrievers.embedders.pieces import spans
from retrievers.embedders.spread import spread
from retrievers.errors import QueryRefused, RetrieverUnavailable
from retrievers.protocol import Matrix

_PER_REQUEST = 64
_AT_ONCE = 4
_REFUSING = frozenset({400, 413, 422})  # about the texts themselves
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # may be over by the next try


class RemoteEmbedder:
    """Embeds by HTTP; the connection opens with `open`.

    Args:
        url: Base of the API, with its version: `http://host:8000/v1`.
        model: As the server names it.
        key: Sent as bearer token; empty sends none.
        dimension: What the model gives; anything else is refused, for it would spoil an index.
        max_tokens: The model's limit; texts are measured in word pieces, an upper estimate.
        query_prefix: Put before questions, for models that want it (`query: `).
        passage_prefix: Put before passages.
        retries: Further tries of passages when the server is away or busy; questions have a
            deadline instead and are tried once.
        backoff_s: Pause before the first retry; it doubles.
        timeout_s: Of one request.
    """

    def __init__(
        self,
        url: str,
        model: str,
        key: str,
        dimension: int,
        *,
        max_tokens: int = 256,
        query_prefix: str = "",
        passage_prefix: str = "",
        retries: int = 3,
        backoff_s: float = 0.5,
        timeout_s: float = 30,
    ) -> None:
        self.dimension = dimension
        self.max_tokens = max_tokens
        # Without the address: the same model on another host gives the same vectors.
        shape = "\0".join((model, str(dimension), str(max_tokens), query_prefix, passage_prefix))
        self.fingerprint = f"remote:{hashlib.sha256(shape.encode()).hexdigest()[:16]}:{model}"
        self._url, self._model, self._key = f"{url.rstrip('/')}/embeddings", model, key
        self._prefixes = (query_prefix, passage_prefix)
        self._retries, self._backoff_s, self._timeout_s = retries, backoff_s, timeout_s
        self._opened: httpx.AsyncClient | None = None

    async def open(self) -> None:
        """Prepare the connections; the server is not asked yet."""
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limits = httpx.Limits(max_connections=2 * _AT_ONCE)
        self._opened = httpx.AsyncClient(headers=headers, timeout=self._timeout_s, limits=limits)

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.aclose()

    async def queries(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) unit vectors.

        Raises:
            QueryRefused: The server does not take one of these texts.
            RetrieverUnavailable: The server is away, busy, or answers something else.
        """
        return await self._vectors([self._prefixes[0] + text for text in texts], 0)

    async def passages(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) unit vectors; raises like `queries`, after the retries."""
        return await self._vectors([self._prefixes[1] + text for text in texts], self._retries)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Spans of word pieces: the server's own tokens are not known here."""
        return spans(text)

    async def _vectors(self, texts: Sequence[str], retries: int) -> Matrix:
        vectors = np.zeros((len(texts), self.dimension), np.float32)

        async def encode(start: int) -> None:
            part = slice(start, start + _PER_REQUEST)
            vectors[part] = await self._request(texts[part], retries)

        await spread(encode, range(0, len(texts), _PER_REQUEST), _AT_ONCE)
        return vectors

    async def _request(self, texts: Sequence[str], retries: int) -> Matrix:
        if self._opened is None:
            raise RetrieverUnavailable("the encoder is not open")
        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        for attempt in range(retries + 1):
            if attempt:
                await asyncio.sleep(self._backoff_s * 2 ** (attempt - 1))
            try:
                response = await self._opened.post(self._url, json=body)
            except httpx.TransportError as error:
                problem = f"{self._url} cannot be reached: {error or type(error).__name__}"
                continue
            if response.is_success:
                return self._read(response, len(texts))
            problem = f"{self._url} answered {response.status_code}: {response.text[:200]}"
            if response.status_code in _REFUSING:
                raise QueryRefused(problem)
            if response.status_code not in _PASSING:
                break
        raise RetrieverUnavailable(problem)

    def _read(self, response: httpx.Response, count: int) -> Matrix:
        try:
            data: list[dict[str, Any]] = response.json()["data"]
            rows = {int(entry["index"]): entry["embedding"] for entry in data}
            vectors = np.array([rows[at] for at in range(count)], np.float32)
        except (ValueError, KeyError, TypeError) as error:
            raise RetrieverUnavailable(f"{self._url} answered no vectors: {error!r}") from error
        if vectors.shape != (count, self.dimension):
            raise RetrieverUnavailable(
                f"{self._model} gives {vectors.shape[-1]} numbers, {self.dimension} are set"
            )
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(norms).all() and norms.all()):
            raise RetrieverUnavailable(f"{self._model} gave a vector without a direction")
        return np.asarray(vectors / norms, np.float32)
