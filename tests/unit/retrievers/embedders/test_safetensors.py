from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from tiny_bert import write_safetensors

from retrievers.embedders.safetensors import UnusableModel, tensors

CONTENT = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(5, np.float32)}


def test_a_tensor_stands_where_the_header_says(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    write_safetensors(file, CONTENT)
    found = tensors(file)
    assert set(found) == {"a", "b"}
    for name, place in found.items():
        raw = file.read_bytes()[place.offset : place.offset + place.length]
        np.testing.assert_array_equal(
            np.frombuffer(raw, np.float32).reshape(place.shape), CONTENT[name]
        )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        struct.pack("<Q", 0),
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 99) + b"{}",
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    with pytest.raises(UnusableModel, match="no safetensors file"):
        tensors(file)


@pytest.mark.parametrize(
    "header", ['{"a": ]}', "[]", '{"a": 1}', '{"a": {}}', '{"a": {"data_offsets": [0]}}']
)
def test_a_damaged_header_is_refused(tmp_path: Path, header: str) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(struct.pack("<Q", len(header)) + header.encode())
    with pytest.raises(UnusableModel, match="damaged"):
        tensors(file)


def test_a_file_that_lost_its_end_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    write_safetensors(file, CONTENT)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UnusableModel, match="beyond its end"):
        tensors(file)
