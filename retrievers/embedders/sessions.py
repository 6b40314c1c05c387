"""A folder's ONNX graphs in onnxruntime, one thread a run. Everything here blocks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as native
from tokenizers import Tokenizer

from retrievers.embedders.safetensors import UnusableModel, tensors
from retrievers.errors import RetrieverUnavailable
from retrievers.protocol import Matrix

VOCABULARY = "embeddings.word_embeddings.weight"
NOTHING: Mapping[str, ort.OrtValue] = MappingProxyType({})

_RUNTIME_ERRORS = (
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.NoSuchFile,
    native.RuntimeException,
)


class Graph:
    """A loaded session; may be used on any thread.

    Args:
        file: Takes `input_ids`, `attention_mask` and perhaps `token_type_ids`; its first output is
            one vector per text, or one per token: those are averaged over the mask.
        shared: Tensors of it that several graphs have; without a copy of their own.
    """

    def __init__(self, file: Path, shared: Mapping[str, ort.OrtValue] = NOTHING) -> None:
        options, providers = _session_options(), ["CPUExecutionProvider"]
        for name, value in shared.items():
            options.add_initializer(name, value)
        self._shared = shared  # the session only borrows them
        self._session = ort.InferenceSession(file, options, providers=providers)
        self._typed = any(entry.name == "token_type_ids" for entry in self._session.get_inputs())
        self._output = self._session.get_outputs()[0].name
        self.version: int = self._session.get_modelmeta().version

    def run(self, rows: Sequence[Sequence[int]], shrink: bool = False) -> Matrix:
        """Unit vectors of some texts' token ids, padded to the longest.

        Args:
            shrink: Give the working memory back afterwards, all but the first block.
        """
        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        mask = np.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            mask[at, : len(row)] = 1
        feed = {"input_ids": ids, "attention_mask": mask}
        if self._typed:
            feed["token_type_ids"] = np.zeros_like(ids)
        options = ort.RunOptions()
        if shrink:
            options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        try:
            found: npt.NDArray[np.float32] = self._session.run([self._output], feed, options)[0]
        except _RUNTIME_ERRORS as error:
            raise RetrieverUnavailable(f"the encoder failed: {error}") from error
        return _unit(found if found.ndim == 2 else np.einsum("btd,bt->bd", found, mask))


@dataclass(frozen=True, slots=True)
class Model:
    """What a folder holds."""

    tokenizer: Tokenizer
    passages: Graph
    questions: Graph
    dimension: int
    digest: str
    max_tokens: int

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, special tokens included, cut at the limit."""
        # One by one: a batch call would use threads of its own, outside the lane's priority.
        rows: list[list[int]] = [self.tokenizer.encode(text).ids for text in texts]
        last = self.max_tokens - 1
        return [row if len(row) <= last else row[:last] + row[-1:] for row in rows]


def load(folder: Path, max_tokens: int, exact_questions: bool) -> Model:
    """Read the folder.

    Raises:
        RetrieverUnavailable: A file is missing, damaged or does not fit.
    """
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
        cheaper = folder / "questions.onnx"
        if exact_questions or not cheaper.exists():
            passages = questions = Graph(folder / "model.onnx")
        else:
            shared = _vocabulary(folder / "model.safetensors")
            passages, questions = Graph(folder / "model.onnx", shared), Graph(cheaper, shared)
        digest, dimension = _digest(folder, passages.version), int(config["hidden_size"])
        return Model(tokenizer, passages, questions, dimension, digest, max_tokens)
    except (OSError, ValueError, UnusableModel, *_RUNTIME_ERRORS) as error:
        raise RetrieverUnavailable(f"the encoder in {folder} cannot be loaded: {error}") from error


def _vocabulary(weights: Path) -> Mapping[str, ort.OrtValue]:
    """The largest tensor, mapped once: each graph's own mapping of it would count as memory."""
    for name, tensor in tensors(weights).items():
        if name.removeprefix("bert.") == VOCABULARY and tensor.kind == "F32":
            table = np.memmap(weights, np.float32, "r", tensor.offset, tensor.shape)
            return {VOCABULARY: ort.OrtValue.ortvalue_from_numpy(np.asarray(table))}
    return NOTHING


def _unit(vectors: npt.NDArray[Any]) -> Matrix:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)


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
