"""Commands: what they print, and the status they leave."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from edge_services import Services

COMMANDS = (
    ["serve"], ["demo"], ["models", "fetch"], ["ingest"], ["search"], ["ask"], ["doctor"],
    ["keys", "create"], ["keys", "list"], ["keys", "revoke"], ["migrate"], ["config"],
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run: Any, command: list[str]) -> None:
    outcome = run(*command, "--help")
    assert outcome.status == 0
    assert f"example:\n  anabranch {' '.join(command)}" in outcome.out


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from app.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'fastapi', 'pydantic', 'sqlalchemy', 'faiss', 'rich', 'httpx'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_threads_are_limited_before_anything_is_imported() -> None:
    code = (
        "import os; from app.cli import main\n"
        "os.environ.pop('OMP_NUM_THREADS', None); os.environ['OMP_WAIT_POLICY'] = 'ACTIVE'\n"
        "main(['config'])\n"
        "assert os.environ['OMP_NUM_THREADS'] == '1'\n"
        "assert os.environ['OMP_WAIT_POLICY'] == 'ACTIVE'"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_no_command_and_an_unknown_one_are_status_2(run: Any) -> None:
    assert run().status == 2
    assert run("dance").status == 2


def test_a_misspelt_setting_is_one_line_and_status_2(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANABRANCH_DTA_DIR", "x")
    outcome = run("config")
    assert outcome.status == 2
    assert outcome.err.count("\n") == 1
    assert "did you mean ANABRANCH_DATA_DIR" in outcome.err


def test_config_masks_secrets(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANABRANCH_API_KEYS", "a-secret-of-mine,another-secret")
    monkeypatch.setenv("ANABRANCH_PORT", "81")
    outcome = run("config")
    assert "ANABRANCH_API_KEYS=********,********\n" in outcome.out
    assert "ANABRANCH_PORT=81\n" in outcome.out
    assert "secret" not in outcome.out


def test_ingest_adds_folders_and_files_under_stable_ids(
    run: Any, there: list[str], kept: Services
) -> None:
    Path("docs/deep").mkdir(parents=True)
    Path("docs/a.txt").write_text("alpha beta")
    Path("docs/deep/b.txt").write_text("beta")
    Path("docs/.hidden").write_text("no")
    Path("note.md").write_text("gamma")
    outcome = run("ingest", "docs", "note.md", "--collection", "fresh", *there)
    assert outcome.status == 0, outcome.err
    assert outcome.out == "3 added or replaced, 0 unchanged, 0 failed\n"
    assert sorted(key[1] for key in kept.documents.live) == ["a.txt", "deep/b.txt", "note.md"]


def test_ingest_splits_into_requests_that_fit(
    run: Any, there: list[str], kept: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.ingest.FILES", 2)
    for number in range(5):
        Path(f"{number}.txt").write_text("x")
    outcome = run("ingest", *[f"{number}.txt" for number in range(5)], *there)
    assert "5 added" in outcome.out
    assert len(kept.jobs.all) == 3


def test_one_file_that_is_refused_does_not_cost_the_others(
    run: Any, there: list[str], kept: Services
) -> None:
    accept = kept.ingest.accept

    async def picky(collection: Any, sources: Any) -> Any:
        from app.domain.errors import UnsupportedMedia

        if any(b"\x00" in (source.content or b"") for source in sources):
            raise UnsupportedMedia("no parser takes this")
        return await accept(collection, sources)

    kept.ingest.accept = picky
    Path("a.txt").write_text("alpha")
    Path("b.bin").write_bytes(b"\x00\x01")
    outcome = run("ingest", "a.txt", "b.bin", *there)
    assert outcome.status == 1
    assert "1 added or replaced, 0 unchanged, 1 failed" in outcome.out
    assert "b.bin" in outcome.err
    assert "no parser takes this" in outcome.err


def test_ingest_of_nothing_is_status_2(run: Any, there: list[str]) -> None:
    assert run("ingest", "nowhere", *there).status == 2
    Path("empty").mkdir()
    assert run("ingest", "empty", *there).status == 2


def test_search_shows_rank_title_channel_and_text(
    run: Any, there: list[str], kept: Services
) -> None:
    Path("a.txt").write_text("alpha [beta]")
    run("ingest", "a.txt", *there)
    outcome = run("search", "alpha", *there)
    assert " 1. a.txt" in outcome.out
    assert "vector #1" in outcome.out
    assert "alpha [beta]" in outcome.out
    assert "table shop" in run("search", "rows", *there).out
    assert run("search", "zeta", *there).out == "nothing found\n"


def test_ask_shows_the_answer_with_its_quote(run: Any, there: list[str]) -> None:
    Path("a.txt").write_text("alpha beta")
    run("ingest", "a.txt", *there)
    outcome = run("ask", "alpha ?", *there)
    assert outcome.out.startswith("alpha beta [1]\n")
    assert "“alpha beta” (a.txt, 0-10) found by vector #1" in outcome.out


def test_json_is_the_response_itself(run: Any, there: list[str]) -> None:
    found = json.loads(run("search", "alpha", "--json", *there).out)
    assert found["query"] == "alpha"


def test_a_filter_is_json(run: Any, there: list[str], kept: Services) -> None:
    assert run("search", "x", "--filter", "{", *there).status == 2
    refused = run("search", "x", "--filter", '{"a": null}', *there)
    assert refused.status == 1
    assert "/body/filters/a" in refused.err
    assert run("search", "x", "--filter", '{"a": "b"}', *there).status == 0


def test_keys_are_made_listed_and_revoked(run: Any, there: list[str], kept: Services) -> None:
    made = run("keys", "create", "--scope", "read", "--collection", "default", *there)
    secret = made.out.strip()
    key_id = kept.keys.holders[secret].key_id
    listed = run("keys", "list", *there)
    assert key_id in listed.out
    assert secret not in listed.out
    assert run("keys", "revoke", key_id, *there).status == 0
    gone = run("keys", "revoke", key_id, *there)
    assert gone.status == 1
    assert "404 not-found" in gone.err


def test_a_service_that_does_not_answer_is_one_line(run: Any) -> None:
    outcome = run("search", "x", "--url", "http://127.0.0.1:9", "--key", "k")
    assert outcome.status == 1
    assert outcome.err.startswith("anabranch: no service answers at http://127.0.0.1:9")
    assert outcome.err.count("\n") == 1


def test_a_running_service_wants_a_key(run: Any, there: list[str]) -> None:
    outcome = run("search", "x", *there[:2])
    assert outcome.status == 2
    assert "--key" in outcome.err
    assert run("search", "x", *there[:2], "--key", "wrong").status == 1


def test_the_service_on_the_data_directory_is_found_by_its_lock(
    run: Any, there: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from app.lock import DataDirLock

    monkeypatch.setenv("ANABRANCH_KEY", there[3])
    with DataDirLock(tmp_path / "data", "serve") as lock:
        early = run("search", "x")
        assert early.status == 2
        assert "in use by" in early.err
        lock.announce(there[1])
        assert run("search", "x").out == "nothing found\n"


@pytest.mark.parametrize(
    ("keys", "host", "status"),
    [
        ("short", "127.0.0.1", None),
        ("short", "0.0.0.0", 2),
        ("changeme-changeme-changeme", "0.0.0.0", 2),
        ("my-password-is-long-enough", "192.0.2.1", 2),
        ("long-enough-and-random-4711", "0.0.0.0", None),
        ("short", "localhost", None),
        ("short", "::1", None),
        ("short", "example.org", 2),
    ],
)
def test_weak_keys_stop_the_start_off_loopback(
    keys: str, host: str, status: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.cli.serve import weak_keys
    from app.domain.errors import Misconfigured
    from app.settings import load

    monkeypatch.setenv("ANABRANCH_API_KEYS", keys)
    settings = load(host=host)
    if status == 2:
        with pytest.raises(Misconfigured, match="ANABRANCH_API_KEYS"):
            weak_keys(settings)
    else:
        assert (weak_keys(settings) is not None) == (keys == "short")


def test_several_workers_are_refused(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    outcome = run("serve")
    assert outcome.status == 2
    assert "WEB_CONCURRENCY" in outcome.err


def test_help_is_quick() -> None:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "app", "--help"], capture_output=True, check=True)
    assert time.perf_counter() - started < 5  # a fraction of a second on an idle machine
