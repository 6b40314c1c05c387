"""Settings: one tree, read from the environment; what is unknown is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.errors import Misconfigured
from app.settings import load, names


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("ANABRANCH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("ANABRANCH_PORT=1\nANABRANCH_HOST=::1\n")
    monkeypatch.setenv("ANABRANCH_PORT", "2")
    settings = load()
    assert (settings.port, settings.host, settings.grace_s) == (2, "::1", 30.0)
    assert load(port=3).port == 3


def test_keys_are_split_at_commas_and_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANABRANCH_API_KEYS", "first-key, second-key,")
    keys = load().api_keys
    assert [key.get_secret_value() for key in keys] == ["first-key", "second-key"]
    assert "first-key" not in repr(load())


def test_one_value_of_a_group_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANABRANCH_RETRIEVERS__VECTOR__TIMEOUT_S", "0.4")
    monkeypatch.setenv("ANABRANCH_RETRIEVERS__GRAPH__OPTIONS", '{"a": 1}')
    retrievers = load().retrievers
    assert retrievers.vector.timeout_s == 0.4
    assert retrievers.vector.use.startswith("retrievers.vector")
    assert retrievers.graph.options == {"a": 1}
    monkeypatch.setenv("ANABRANCH_RETRIEVERS__MORE__WEB__USE", "web.retriever:Web")
    assert load().retrievers.more["web"].use == "web.retriever:Web"
    assert retrievers.fulltext.timeout_s == 1.0


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ANABRANCH_DATADIR", "ANABRANCH_DATA_DIR"),
        ("ANABRANCH_LIMIT__FILES", "ANABRANCH_LIMITS__FILES"),
        ("ANABRANCH_LIMITS__FILEZ", "ANABRANCH_LIMITS__FILES"),
        ("anabranch_prot", "ANABRANCH_PORT"),
        ("ANABRANCH_LFD_WHEIGHT", "ANABRANCH_LFD_WEIGHT"),
        ("ANABRANCH_LFD_LAYER", "ANABRANCH_LFD_ALPHA"),
    ],
)
def test_an_unknown_variable_stops_the_start_and_near_ones_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, near: str
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(Misconfigured) as refused:
        load()
    assert name in refused.value.detail
    assert near in refused.value.detail


def test_an_unknown_line_of_the_file_stops_the_start() -> None:
    Path(".env").write_text("ANABRANCH_PROT=1\n")
    with pytest.raises(Misconfigured, match="ANABRANCH_PROT"):
        load()


def test_lines_of_others_in_the_file_are_no_concern() -> None:
    Path(".env").write_text("POSTGRES_PASSWORD=x\nANABRANCH_PORT=7\n")
    assert load().port == 7


@pytest.mark.parametrize(
    "name", ["ANABRANCH_LFD_REQUIRED", "ANABRANCH_TEST_REQUIRE", "ANABRANCH_KEY"]
)
def test_variables_that_others_read_are_let_through(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANABRANCH_PORT", "x"),
        ("ANABRANCH_GRACE_S", "90"),
        ("ANABRANCH_EMBEDDER__USE", "magic"),
        ("ANABRANCH_RETRIEVERS__VECTOR__USE", "not a path"),
        ("ANABRANCH_LIMITS__FILES", "0"),
        ("ANABRANCH_RETRIEVERS__SQL__OPTIONS", "{"),
        ("ANABRANCH_LFD", "on"),
        ("ANABRANCH_LFD_ALPHA", "1.1"),
        ("ANABRANCH_LFD_ALPHA", "nan"),
        ("ANABRANCH_LFD_WEIGHT", "4.5"),
        ("ANABRANCH_LFD_EVERY", "0"),
        ("ANABRANCH_LFD_EVERY", "257"),
        ("ANABRANCH_LFD_EVERY", "1.5"),
        ("ANABRANCH_LFD_EVERY", "twice"),
        ("ANABRANCH_LFD_PROBE_SECONDS", "0"),
    ],
)
def test_an_unusable_value_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as refused:
        load()
    assert name.lower().rpartition("__")[2] in refused.value.detail.lower()


@pytest.mark.parametrize(("said", "read"), [("16", 16), ("once", "once"), ("256", 256)])
def test_the_layer_is_chosen_at_every_nth_token_or_once(
    monkeypatch: pytest.MonkeyPatch, said: str, read: object
) -> None:
    monkeypatch.setenv("ANABRANCH_LFD_EVERY", said)
    assert load().lfd_every == read


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("keys").write_text("one-key,two-key\n")
    monkeypatch.setenv("ANABRANCH_API_KEYS_FILE", "keys")
    Path("embedder").write_text("token\n")
    monkeypatch.setenv("ANABRANCH_EMBEDDER__KEY_FILE", "embedder")
    settings = load()
    assert len(settings.api_keys) == 2
    assert settings.embedder.key.get_secret_value() == "token"
    assert settings.embedder.dimension == 384
    monkeypatch.setenv("ANABRANCH_API_KEYS", "third")
    with pytest.raises(Misconfigured, match="not both"):
        load()


def test_a_secret_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANABRANCH_API_KEYS_FILE", "nowhere")
    with pytest.raises(Misconfigured, match="ANABRANCH_API_KEYS_FILE"):
        load()


def test_names_are_distinct() -> None:
    assert len(set(names())) == len(names())
