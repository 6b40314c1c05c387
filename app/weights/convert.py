"""Writes the graphs of a model folder."""

from __future__ import annotations

import json
from pathlib import Path

from app.weights.blocks import BlockEncoder
from app.weights.graph import Encoder
from retrievers.embedders.safetensors import UnusableModel


def convert(source: Path, passages: Path, questions: Path) -> None:
    """Write the graph in float32 and the rounded one for questions.

    To be loaded, both must stand beside the folder's `model.safetensors`.

    Args:
        source: Folder with `config.json` and `model.safetensors`.

    Raises:
        UnusableModel: Damaged files, or a model that is no plain BERT encoder in float32.
    """
    try:
        config = json.loads((source / "config.json").read_bytes())
    except ValueError as error:
        raise UnusableModel(f"config.json is damaged ({error})") from error
    weights = source / "model.safetensors"
    for encoder, target in ((Encoder, passages), (BlockEncoder, questions)):
        model = encoder(config, weights).model()
        target.write_bytes(model.SerializeToString(deterministic=True))
