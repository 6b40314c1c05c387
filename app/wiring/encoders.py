"""Opens the configured encoder, or the stand-in that needs no weights and says so."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.errors import Misconfigured
from app.domain.hit import Degraded
from app.settings import Settings
from app.weights.fetch import WeightsUnavailable, prepare
from retrievers.embedders.batching import BatchingEmbedder
from retrievers.embedders.hashing import HashingEmbedder
from retrievers.embedders.onnx import OnnxEmbedder
from retrievers.errors import RetrieverUnavailable
from retrievers.lane import Lane

if TYPE_CHECKING:
    from retrievers.embedders.remote import RemoteEmbedder

LOG = logging.getLogger("anabranch.encoder")


@dataclass(frozen=True, slots=True)
class Encoder:
    """An open encoder, and what every answer must say of it."""

    embedder: BatchingEmbedder
    notice: Degraded | None
    cosines: bool
    """Whether refusals may read its cosines: they are calibrated on MiniLM's scale."""


@asynccontextmanager
async def encoder(settings: Settings) -> AsyncIterator[Encoder]:
    """The encoder of these settings, with concurrent questions joined and remembered.

    Without weights the hashing encoder stands in: it knows words, not meanings, so every answer
    carries a notice. Damaged weights are no reason to stand in: the start is refused.

    Raises:
        Misconfigured: The weights are damaged, or the remote encoder is not described.
    """
    chosen = settings.embedder
    notice = None
    inner: OnnxEmbedder | HashingEmbedder | RemoteEmbedder
    if chosen.use == "remote":
        if not chosen.url or not chosen.model:
            raise Misconfigured(
                "ANABRANCH_EMBEDDER__USE=remote needs ANABRANCH_EMBEDDER__URL and …__MODEL"
            )
        from retrievers.embedders.remote import RemoteEmbedder  # brings an HTTP client

        inner = RemoteEmbedder(
            chosen.url, chosen.model, chosen.key.get_secret_value(), chosen.dimension
        )
    elif chosen.use == "onnx" and (settings.weights_dir / "tokenizer.json").is_file():
        await _prepared(settings)
        inner = OnnxEmbedder(
            settings.weights_dir,
            max_tokens=chosen.max_tokens,
            exact_questions=chosen.questions == "float32",
        )
    else:
        inner = HashingEmbedder(chosen.dimension)
        if chosen.use == "onnx":
            reason = f"no weights in {settings.weights_dir}; run: anabranch models fetch"
            notice = Degraded("embedder", f"hashing stands in for the encoder: {reason}")
            LOG.warning(notice.reason)
    try:
        await inner.open()
    except RetrieverUnavailable as error:
        raise Misconfigured(f"the encoder cannot be opened: {error}") from error
    # Here a run takes one core: two at once with few texts keep both busy, where one with many
    # leaves them idle while its answers are written. A server is asked with many.
    local = isinstance(inner, OnnxEmbedder)
    batching = BatchingEmbedder(inner, runs=2, batch=4) if local else BatchingEmbedder(inner)
    try:
        yield Encoder(batching, notice, cosines=local)
    finally:
        await batching.close()
        await inner.close()


async def _prepared(settings: Settings) -> None:
    # A folder of safetensors gets its ONNX graph once; one that has it is only checked.
    lane = Lane("weights", 1)
    try:
        await lane.run(prepare, settings.weights_dir, LOG.info)
    except WeightsUnavailable as error:
        raise Misconfigured(f"the encoder cannot be opened: {error}") from error
    finally:
        lane.close()
