"""Where the tensors of a safetensors file stand, without reading them.

Format: eight bytes with the little-endian size of a JSON header, the header, then raw tensors.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_HEADER_BYTES = 100_000_000  # the format's own limit


class UnusableModel(Exception):
    """A model folder whose files are damaged or of a kind that cannot be converted."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Place of one tensor: `length` bytes from `offset`, both counted from the file's start."""

    kind: str  # F32, F16, …
    shape: tuple[int, ...]
    offset: int
    length: int


def tensors(path: Path) -> Mapping[str, Tensor]:
    """Name to place of every tensor in the file.

    Raises:
        UnusableModel: The header does not fit the file.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        prefix = stream.read(8)
        header_bytes = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
        if not 0 < header_bytes <= min(MAX_HEADER_BYTES, size - 8):
            raise UnusableModel(f"{path.name} is no safetensors file, or it is cut off")
        try:
            header = json.loads(stream.read(header_bytes))
            start = 8 + header_bytes
            found = {
                name: _tensor(entry, start)
                for name, entry in header.items()
                if name != "__metadata__"
            }
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise UnusableModel(f"{path.name}: the header is damaged ({error})") from error
    if any(tensor.offset + tensor.length > size for tensor in found.values()):
        raise UnusableModel(f"{path.name} is cut off: tensors lie beyond its end")
    return found


def _tensor(entry: Mapping[str, Any], start: int) -> Tensor:
    first, last = entry["data_offsets"]
    return Tensor(entry["dtype"], tuple(entry["shape"]), start + first, last - first)
