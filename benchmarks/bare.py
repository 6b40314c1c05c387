"""The yardstick: onnxruntime + FAISS + Tantivy + reciprocal rank fusion, and nothing else.

No stored documents, no keys, no filters, no graph, no SQL, no trace: a floor for the service, not
a competitor. It runs in process (`Bare.search`) and as a minimal HTTP server:

    python -m benchmarks.bare --corpus corpus.jsonl --model data/models/all-MiniLM-L6-v2 --port 8100
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import faiss
import numpy as np
import onnxruntime
import tantivy
from tokenizers import Tokenizer

WORD = re.compile(r"\w+")
DEPTH = 100
RRF_K = 60


class Bare:
    """Encoder, flat index and full-text index over passages held in lists."""

    def __init__(self, model: Path, passages: Sequence[tuple[str, str, str]], vectors: Any) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(
            str(model / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(256)
        self.passages = passages
        self.vectors = vectors if vectors is not None else self._encode_all()
        self.index = faiss.IndexFlatIP(self.vectors.shape[1])
        self.index.add(self.vectors)
        builder = tantivy.SchemaBuilder()
        builder.add_integer_field("n", stored=True, indexed=False)
        builder.add_text_field("title", tokenizer_name="en_stem")
        builder.add_text_field("body", tokenizer_name="en_stem")
        self.text = tantivy.Index(builder.build())
        writer = self.text.writer(50_000_000, 1)
        for row, (_, title, text) in enumerate(passages):
            writer.add_document(tantivy.Document(n=row, title=title, body=text))
        writer.commit()
        writer.wait_merging_threads()
        self.text.reload()

    def encode(self, text: str) -> Any:
        """(1, dimension) unit vector."""
        ids = np.array([self.tokenizer.encode(text).ids], dtype=np.int64)
        return self.session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]

    def _encode_all(self) -> Any:
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            rows = list(pool.map(lambda row: self.encode(f"{row[1]}\n{row[2]}"), self.passages))
        return np.concatenate(rows).astype(np.float32)

    def search(self, query: str, k: int = 10) -> list[dict[str, Any]]:
        """Fused top `k` with texts."""
        _, rows = self.index.search(self.encode(query), DEPTH)
        lists = [rows[0].tolist()]
        words = " ".join(WORD.findall(query.lower()))
        if words:
            searcher = self.text.searcher()
            found = searcher.search(self.text.parse_query(words, ["title", "body"]), DEPTH).hits
            lists.append([searcher.doc(address)["n"][0] for _, address in found])
        scores: dict[int, float] = defaultdict(float)
        for ranked in lists:
            for rank, row in enumerate(ranked, 1):
                scores[row] += 1 / (RRF_K + rank)
        best = sorted(scores, key=lambda row: -scores[row])[:k]
        return [
            {
                "id": self.passages[row][0],
                "title": self.passages[row][1],
                "text": self.passages[row][2],
                "score": scores[row],
            }
            for row in best
        ]


def load(corpus: Path, model: Path, cache: Path | None = None) -> Bare:
    """The yardstick over a JSON Lines corpus; vectors are kept in `cache` when it is given."""
    rows = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
    passages = [(row["id"], row["title"], row["text"]) for row in rows]
    vectors = np.load(cache) if cache and cache.exists() else None
    bare = Bare(model, passages, vectors)
    if cache and vectors is None:
        np.save(cache, bare.vectors)
    return bare


def application(bare: Bare) -> Any:
    """A FastAPI application with one route, `POST /search`."""
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Body(BaseModel):
        query: str
        top_k: int = 10

    app = FastAPI()
    pool = ThreadPoolExecutor(os.cpu_count() or 1)

    async def search(body: Body) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        return {"results": await loop.run_in_executor(pool, bare.search, body.query, body.top_k)}

    # Annotations are strings here, and `Body` is local: hand FastAPI the class itself.
    search.__annotations__["body"] = Body
    app.post("/search")(search)
    return app


def main() -> None:
    """Serve the yardstick on loopback."""
    import uvicorn

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True, help="JSON Lines: id, title, text")
    parser.add_argument("--model", type=Path, required=True, help="folder with model.onnx")
    parser.add_argument("--vectors", type=Path, help="cache of passage vectors (.npy)")
    parser.add_argument("--port", type=int, default=8100)
    args = parser.parse_args()
    bare = load(args.corpus, args.model, args.vectors)
    uvicorn.run(application(bare), host="127.0.0.1", port=args.port, log_level="warning")


if __name__ == "__main__":
    main()
