"""One process per data directory, and the second is told who has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.errors import Misconfigured
from app.lock import DataDirLock, InUse


def test_a_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    with DataDirLock(tmp_path, "serve") as first:
        first.announce("http://127.0.0.1:8000")
        with pytest.raises(InUse) as refused, DataDirLock(tmp_path, "ingest"):
            pass
    assert refused.value.holder is not None
    assert refused.value.holder.url == "http://127.0.0.1:8000"
    assert f"process {os.getpid()}" in refused.value.detail
    assert "`anabranch serve`" in refused.value.detail


def test_a_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with DataDirLock(tmp_path / "new", "serve"):
            pass


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = f"""
import os, pathlib
from app.lock import DataDirLock
lock = DataDirLock(pathlib.Path({str(tmp_path)!r}), "serve")
lock.__enter__()
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    with DataDirLock(tmp_path, "serve"):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(Misconfigured, match="ANABRANCH_DATA_DIR"),
        DataDirLock(tmp_path / "file" / "data", "serve"),
    ):
        pass


def test_a_note_that_is_being_written_is_no_error(tmp_path: Path) -> None:
    with DataDirLock(tmp_path, "serve"):
        (tmp_path / "lock").write_text("{")
        with pytest.raises(InUse, match="another process"), DataDirLock(tmp_path, "x"):
            pass
