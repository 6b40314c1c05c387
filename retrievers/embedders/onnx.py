"""Sentence encoders as ONNX graphs on the CPU: the default embedder, without torch.

A run takes one thread: parallelism comes from several runs at once, which costs a fraction of the
CPU time of one run on several threads. Questions and passages do not share threads: a question
never queues behind an ingestion. Nor need they share a graph: what is stored wants to be exact,
while a question's vector is used once and may be had for half the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retrievers.embedders.packing import Shape, pack
from retrievers.embedders.sessions import Model, load
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
        self._asking = Lane("encode-questions", query_lane_width)
        self._filling = Lane("encode-passages", bulk_width, nice=BULK_NICE)
        self._bulk_width = bulk_width
        self._loaded: Model | None = None

    async def open(self) -> None:
        """Load the model.

        Raises:
            RetrieverUnavailable: A file is missing, damaged or does not fit.
        """
        loading = self._asking.run(load, self._folder, self.max_tokens, self._exact)
        self._loaded = model = await loading
        self.dimension = model.dimension
        self.fingerprint = f"onnx:{model.digest[:16]}:fp32:mean:{self.max_tokens}"

    async def close(self) -> None:
        """Refuse further texts; batches that run finish in the background."""
        self._asking.close()
        self._filling.close()

    async def queries(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) unit vectors, all by one thread: callers share out what they have.

        The last bits depend on what shares a batch.
        """
        return await self._asking.run(_answer, self._model, texts)

    async def passages(self, texts: Sequence[str]) -> Matrix:
        """(n, dimension) unit vectors; hand over some hundreds, so that lengths can be matched."""
        model = self._model
        vectors = np.zeros((len(texts), model.dimension), np.float32)
        tokens = await self._filling.run(model.tokens, texts)
        batches = list(pack([len(row) for row in tokens], PASSAGES))

        async def encode(batch: list[int]) -> None:
            rows = [tokens[index] for index in batch]
            # The last has the longest texts: what they needed would be kept for ever.
            shrink = batch is batches[-1]
            vectors[batch] = await self._filling.run(model.passages.run, rows, shrink)

        # No more calls at once than threads: a long list must not fill the lane's backlog.
        await spread(encode, batches, self._bulk_width)
        return vectors

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Code-point span of each token; blocks, at some million characters a second."""
        spans: list[tuple[int, int]] = self._model.tokenizer.encode(
            text, add_special_tokens=False
        ).offsets
        return spans

    @property
    def _model(self) -> Model:
        if self._loaded is None:
            raise RetrieverUnavailable("the encoder is not open")
        return self._loaded


def _answer(model: Model, texts: Sequence[str]) -> Matrix:
    # In one call: for a question or four, each further trip to the lane would cost as much as the
    # batch saves.
    tokens = model.tokens(texts)
    vectors = np.zeros((len(texts), model.dimension), np.float32)
    for batch in pack([len(row) for row in tokens], QUESTIONS):
        vectors[batch] = model.questions.run([tokens[index] for index in batch])
    return vectors
