"""Sentence encoders as ONNX graphs on the CPU: the default embedder, without torch.

A run takes one thread: parallelism comes from several runs at once, which costs a fraction of the
CPU time of one run on several threads. Questions and passages do not share threads: a question
never queues behind an ingestion. Nor need they share a graph: what is stored wants to be exact,
while a question's vector is used once and may be had for half the work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    RuntimeException,
)
from tokenizers import Tokenizer

from retrievers.embedders.packing import Shape, pack
from retrievers.embedders.spread import spread
from retrievers.errors import RetrieverUnavailable
from retrievers.lane import Lane
from retrievers.protocol import Matrix

# Measured: 16 questions in runs of 4 cost 5.5 ms of CPU each, of 8 6.0, alone 7.8; rounded to
# eight bits 3.4, 3.9 and 3.4.
QUESTIONS = Shape(rows=4, padded_tokens=128)
# 32 unsorted passages in a run cost three times the CPU of 4 of a length, and working memory
# follows the largest run there ever was.
PASSAGES = Shape(rows=8, padded_tokens=256)
BULK_NICE = 10

_RUNTIME_ERRORS = (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    RuntimeException,
)


class OnnxEmbedder:
    """Embeds with `model.onnx` and `tokenizer.json` of a folder; `config.json` names the width.

    Where there is a `questions.onnx`, a cheaper graph of the same weights, questions take it; it
    has no part in `fingerprint`, which is of what is stored.

    The graphs take `input_ids`, `attention_mask` and perhaps `token_type_ids`. Their first output
    is either one vector per text or one per token; the latter are averaged here over the mask.

    `fingerprint` and `dimension` are empty until `open` returns.

    Args:
        folder: Holds the files.
        query_lane_width: Questions' batches that may run at once.
        bulk_width: Passages' batches that may run at once, at lower priority.
        max_tokens: Longer texts are cut there, special tokens included.
        exact_questions: Do without the cheaper graph.
    """

    def __init__(
        self,
        folder: Path,
        query_lane_width: int = 2,
        bulk_width: int = 2,
        max_tokens: int = 256,
        exact_questions: bool = False,
    ) -> None:
        self.fingerprint = ""
        self.dimension = 0
        self.max_tokens = max_tokens
        self._folder, self._exact = folder, exact_questions
        asking = Lane("encode-questions", query_lane_width)
        filling = Lane("encode-passages", bulk_width, nice=BULK_NICE)
        self._questions = _Side(asking, query_lane_width, QUESTIONS)
        self._bulk = _Side(filling, bulk_width, PASSAGES)
        self._loaded: _Model | None = None

    async def open(self) -> None:
        """Load the model.

        Raises:
            RetrieverUnavailable: A file is missing, damaged or does not fit.
        """
        loading = self._questions.lane.run(_load, self._folder, self.max_tokens, self._exact)
        self._loaded = model = await loading
        self.dimension = model.dimension
        self.fingerprint = f"onnx:{model.digest[:16]}:fp32:mean:{self.max_tokens}"

    async def close(self) -> None:
        """Refuse further texts; batches that run finish in the background."""
        self._questions.lane.close()
        self._bulk.lane.close()

    async def queries(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) unit vectors. The last bits depend on what shares a batch."""
        return await self._embed(texts, self._questions, self._model.questions)

    async def passages(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) unit vectors; hand over some hundreds, so that lengths can be matched."""
        return await self._embed(texts, self._bulk, self._model.passages)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Code-point span of each token; blocks, at some million characters a second."""
        spans: list[tuple[int, int]] = self._model.tokenizer.encode(
            text, add_special_tokens=False
        ).offsets
        return spans

    @property
    def _model(self) -> _Model:
        if self._loaded is None:
            raise RetrieverUnavailable("the encoder is not open")
        return self._loaded

    async def _embed(self, texts: Sequence[str], side: _Side, graph: _Graph) -> Matrix:
        model = self._model
        if len(texts) == 1:
            return await side.lane.run(lambda: graph.run(model.tokens(texts)))
        vectors = np.zeros((len(texts), model.dimension), np.float32)
        tokens = await side.lane.run(model.tokens, texts)

        async def encode(batch: list[int]) -> None:
            vectors[batch] = await side.lane.run(graph.run, [tokens[index] for index in batch])

        # No more calls at once than threads: a long list must not fill the lane's backlog.
        await spread(encode, pack([len(row) for row in tokens], side.shape), side.width)
        return vectors


@dataclass(frozen=True, slots=True)
class _Side:
    """Where one kind of text is encoded, and in what batches."""

    lane: Lane
    width: int
    shape: Shape


class _Graph:
    """A loaded session; `run` blocks and may be called on any thread."""

    def __init__(self, file: Path) -> None:
        options, providers = _session_options(), ["CPUExecutionProvider"]
        self._session = ort.InferenceSession(file, options, providers=providers)
        self._typed = any(entry.name == "token_type_ids" for entry in self._session.get_inputs())
        self._output = self._session.get_outputs()[0].name
        self.version: int = self._session.get_modelmeta().version

    def run(self, rows: Sequence[Sequence[int]]) -> Matrix:
        """Unit vectors of some texts' token ids, padded to the longest."""
        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        mask = np.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            mask[at, : len(row)] = 1
        feed = {"input_ids": ids, "attention_mask": mask}
        if self._typed:
            feed["token_type_ids"] = np.zeros_like(ids)
        try:
            found: npt.NDArray[np.float32] = self._session.run([self._output], feed)[0]
        except _RUNTIME_ERRORS as error:
            raise RetrieverUnavailable(f"the encoder failed: {error}") from error
        return _unit(found if found.ndim == 2 else np.einsum("btd,bt->bd", found, mask))


@dataclass(frozen=True, slots=True)
class _Model:
    """What the folder holds; `tokens` blocks."""

    tokenizer: Tokenizer
    passages: _Graph
    questions: _Graph
    dimension: int
    digest: str
    max_tokens: int

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, special tokens included, cut at the limit."""
        # One by one: a batch call would use threads of its own, outside the lane's priority.
        rows: list[list[int]] = [self.tokenizer.encode(text).ids for text in texts]
        last = self.max_tokens - 1
        return [row if len(row) <= last else row[:last] + row[-1:] for row in rows]


def _unit(vectors: npt.NDArray[Any]) -> Matrix:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)


def _load(folder: Path, max_tokens: int, exact: bool) -> _Model:
    try:
        config = json.loads((folder / "config.json").read_bytes())
        tokenizer_file = (folder / "tokenizer.json").read_bytes()
        json.loads(tokenizer_file)  # the tokenizer's own error for damage is a bare Exception
        limit = config.get("max_position_embeddings", max_tokens)
        if max_tokens > limit:
            raise RetrieverUnavailable(f"the encoder takes {limit} tokens, {max_tokens} are set")
        tokenizer = Tokenizer.from_buffer(tokenizer_file)
        # The file may ask for both; they would cut long texts early and miscount short ones.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        passages = _Graph(folder / "model.onnx")
        cheaper = folder / "questions.onnx"
        questions = passages if exact or not cheaper.exists() else _Graph(cheaper)
        digest, dimension = _digest(folder, passages.version), int(config["hidden_size"])
        return _Model(tokenizer, passages, questions, dimension, digest, max_tokens)
    except (OSError, ValueError, *_RUNTIME_ERRORS) as error:
        raise RetrieverUnavailable(f"the encoder in {folder} cannot be loaded: {error}") from error


def _session_options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Idle threads would otherwise spin: 24 instead of 5 ms of CPU for a query now and then.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _digest(folder: Path, version: int) -> str:
    # The weights count where they stand apart: a graph's bytes differ between versions of the
    # library that wrote it, its own version number does not.
    digest = hashlib.sha256(str(version).encode())
    weights = folder / "model.safetensors"
    for file in (folder / "tokenizer.json", weights if weights.exists() else folder / "model.onnx"):
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
