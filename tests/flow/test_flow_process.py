"""`anabranch` as a user runs it: first start, second process, signals, and commands in between."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KEY = re.compile(r"anb_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}")


def environment(folder: Path, **given: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if "ANABRANCH_" not in name}
    return {
        **clean,
        "ANABRANCH_DATA_DIR": str(folder / "data"),
        "ANABRANCH_EMBEDDER__USE": "hashing",
        "ANABRANCH_PORT": "0",
        **given,
    }


def command(folder: Path, *argv: str, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *argv],
        cwd=folder,
        env=environment(folder, **given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@dataclass
class Running:
    process: subprocess.Popen[str]
    said: list[str]
    url: str

    def get(self, path: str, key: str | None = None) -> tuple[int, dict[str, object]]:
        request = urllib.request.Request(self.url + path)
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)


@contextmanager
def serving(folder: Path, *argv: str, **given: str) -> Iterator[Running]:
    with subprocess.Popen(
        [sys.executable, "-m", "app", "serve", *argv],
        cwd=folder,
        env=environment(folder, **given),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            said: list[str] = []
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if found := re.search(r"anabranch serves (http://\S+)", line):
                    yield Running(process, said, found.group(1))
                    break
            else:
                raise AssertionError("".join(said))
        finally:
            process.kill()


def test_the_first_start_shows_one_key_once_and_the_second_none(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        keys = KEY.findall("".join(first.said))
        assert len(keys) == 1
        assert first.get("/healthz") == (200, {"status": "alive"})
        status, ready = first.get("/readyz")
        assert status == 200
        assert ready["status"] in ("ready", "degraded")
        assert first.get("/v1/collections/default", keys[0])[0] == 200
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(60) == 0
    with serving(tmp_path) as second:
        assert not KEY.search("".join(second.said))
        assert second.get("/v1/collections/default", keys[0])[0] == 200
    kept = [tmp_path / "data", *(tmp_path / "data").rglob("*")]
    held = b"".join(path.read_bytes() for path in kept if path.is_file())
    assert keys[0].encode() not in held
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


def test_a_second_process_is_told_who_serves_and_commands_find_it(tmp_path: Path) -> None:
    given = {"ANABRANCH_API_KEYS": "a-key-of-sixteen-and-more"}
    (tmp_path / "note.md").write_text("# Note\n\nNine bronze herons stand on the railings.")
    with serving(tmp_path, **given) as running:
        assert not KEY.search("".join(running.said))
        again = command(tmp_path, "serve", **given)
        assert again.returncode == 2
        assert again.stderr.count("\n") == 1
        assert f"process {running.process.pid}" in again.stderr
        added = command(tmp_path, "ingest", "note.md", **given)
        assert added.stdout == "1 added or replaced, 0 unchanged, 0 failed\n", added.stderr
        found = command(tmp_path, "search", "bronze herons", **given)
        assert "note.md" in found.stdout
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0
    # Nobody serves now: the same commands open the data directory themselves.
    found = command(tmp_path, "search", "bronze herons", "--json", **given)
    assert json.loads(found.stdout)["results"][0]["document_id"] == "note.md"
    asked = command(tmp_path, "ask", "What stands on the railings?", **given)
    assert asked.returncode == 0
    assert "Nine bronze herons stand on the railings. [1]" in asked.stdout
    unchanged = command(tmp_path, "ingest", "note.md", **given)
    assert "0 added or replaced, 1 unchanged" in unchanged.stdout
    doctor = command(tmp_path, "doctor", **given)
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert re.search(r"database +ok", doctor.stdout)
    assert command(tmp_path, "migrate", **given).stdout.startswith("nothing to do")


def test_keys_made_without_a_service_work_with_one(tmp_path: Path) -> None:
    made = command(tmp_path, "keys", "create", "--scope", "read", "--collection", "default")
    assert made.returncode == 0, made.stderr
    assert KEY.search(made.stderr), "the admin key of the first start is shown too"
    secret = made.stdout.strip()
    with serving(tmp_path) as running:
        assert running.get("/v1/collections/default", secret)[0] == 200
    listed = command(tmp_path, "keys", "list")
    assert len([line for line in listed.stdout.splitlines() if line.startswith("key_")]) == 2


def test_the_demonstration_ends_and_cites(tmp_path: Path) -> None:
    shown = command(tmp_path, "demo")
    assert shown.returncode == 0, shown.stderr
    assert "Isaura Venn" in shown.stdout
    assert "[1] “" in shown.stdout
    assert "found by " in shown.stdout
    assert "curl -s http://127.0.0.1:8000/v1/collections/demo/ask" in shown.stdout
    assert command(tmp_path, "demo").returncode == 0
