"""A folder's ONNX graphs in onnxruntime, one thread a run. Everything here blocks."""

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

from retrievers.errors import RetrieverUnavailable
from retrievers.protocol import Matrix

Arrays = dict[str, npt.NDArray[Any]]

_RUNTIME_ERRORS = (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    RuntimeException,
)
_OF_TOKENS = {"input_ids", "attention_mask", "token_type_ids"}


class Graph:
    """A loaded session; may be used on any thread.

    Args:
        file: Its first output is one vector per text, or one per token: those are averaged over
            the mask.
        front: Where inputs that no tokenizer gives are outputs of another graph.
    """

    def __init__(self, file: Path, front: Graph | None = None) -> None:
        options, providers = _session_options(), ["CPUExecutionProvider"]
        self._session = ort.InferenceSession(file, options, providers=providers)
        self._inputs = {entry.name for entry in self._session.get_inputs()}
        self._output = self._session.get_outputs()[0].name
        self._front, self._made = front, sorted(self._inputs - _OF_TOKENS)
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
        of_tokens = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        made: Arrays = {}
        if self._front is not None and self._made:
            made = self._front.outputs(self._made, of_tokens)
        found = self.outputs([self._output], of_tokens | made, shrink)[self._output]
        return _unit(found if found.ndim == 2 else np.einsum("btd,bt->bd", found, mask))

    def outputs(self, names: Sequence[str], given: Arrays, shrink: bool = False) -> Arrays:
        """Some outputs, from what it takes of `given`."""
        options = ort.RunOptions()
        if shrink:
            options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        taken = {name: given[name] for name in self._inputs}
        try:
            return dict(zip(names, self._session.run(names, taken, options), strict=True))
        except _RUNTIME_ERRORS as error:
            raise RetrieverUnavailable(f"the encoder failed: {error}") from error


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
        passages = Graph(folder / "model.onnx")
        cheaper = folder / "questions.onnx"
        exact = exact_questions or not cheaper.exists()
        questions = passages if exact else Graph(cheaper, front=passages)
        digest, dimension = _digest(folder, passages.version), int(config["hidden_size"])
        return Model(tokenizer, passages, questions, dimension, digest, max_tokens)
    except (OSError, ValueError, *_RUNTIME_ERRORS) as error:
        raise RetrieverUnavailable(f"the encoder in {folder} cannot be loaded: {error}") from error


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
