"""What a request may say about layer-fused decoding: read, or refused by name."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.generation.lfd.params import EVERY, ONCE, LFDParams, parse

KEYS = [
    "lfd",
    "lfd_alpha",
    "lfd_weight",
    "lfd_layer",
    "lfd_divergence",
    "lfd_every",
    "lfd_probe",
    "lfd_beta",
    "lfdx",
    "top_k",
    "",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=4)
    | st.sampled_from([0, 1, -1, 0.5, 1.0, 10**400, "on", "OFF", "jsd", "kl", ONCE])
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(KEYS) | st.text(max_size=6) | st.text(max_size=4).map("lfd".__add__)

BAD: list[tuple[str, Any]] = [
    ("lfd_alpha", math.nan),
    ("lfd_alpha", math.inf),
    ("lfd_alpha", -math.inf),
    ("lfd_alpha", -0.001),
    ("lfd_alpha", 1.001),
    ("lfd_alpha", True),
    ("lfd_alpha", "0.1"),
    ("lfd_alpha", None),
    ("lfd_alpha", [0.1]),
    ("lfd_weight", math.nan),
    ("lfd_weight", math.inf),
    ("lfd_weight", -0.001),
    ("lfd_weight", 4.001),
    ("lfd_weight", False),
    ("lfd_weight", "1"),
    ("lfd_layer", 0),
    ("lfd_layer", -2),
    ("lfd_layer", 10**9),
    ("lfd_layer", 3.0),
    ("lfd_layer", True),
    ("lfd_layer", "3"),
    ("lfd_divergence", "JSD"),
    ("lfd_divergence", "tv"),
    ("lfd_divergence", 1),
    ("lfd_divergence", True),
    ("lfd_every", 0),
    ("lfd_every", EVERY[1] + 1),
    ("lfd_every", 1.0),
    ("lfd_every", math.nan),
    ("lfd_every", True),
    ("lfd_every", "3"),
    ("lfd_every", "Once"),
    ("lfd_probe", 10),
    ("lfd_probe", "10"),
    ("lfd_probe", []),
    ("lfd_probe", [10]),
    ("lfd_probe", [10, 10]),
    ("lfd_probe", [10, 11, 12]),
    ("lfd_probe", [10, -1]),
    ("lfd_probe", [10, 2**31]),
    ("lfd_probe", [10, 11.0]),
    ("lfd_probe", [False, 11]),
    ("lfd_probe", ["10", "11"]),
    ("lfd_probe", {"10": 11}),
    ("lfd_temperature", 1),
    ("lfd_", 1),
    ("lfdalpha", 0.1),
    ("lfd-alpha", 0.1),
]


@given(st.dictionaries(NAMES, JUNK, max_size=5))
def test_whatever_is_sent_is_read_or_refused_by_the_name_of_one_of_our_keys(
    sent: dict[str, Any],
) -> None:
    try:
        found = parse(sent)
    except ValueError as error:
        named = str(error)
        assert any(named.startswith(f"{key} ") for key in sent if key.startswith("lfd")), named
    else:
        assert found is None or isinstance(found, LFDParams)


@given(st.dictionaries(NAMES.filter(lambda name: not name.startswith("lfd")), JUNK, max_size=4))
def test_keys_of_others_ask_for_nothing_and_are_no_concern_of_ours(sent: dict[str, Any]) -> None:
    assert parse(sent) is None
    assert parse({**sent, "lfd": 1}) == LFDParams()


def test_nothing_sent_asks_for_nothing() -> None:
    assert parse(None) is None
    assert parse({}) is None


@pytest.mark.parametrize("said", [1, True, 1.0, "1", "true", "on", "ON", "True"])
def test_it_is_switched_on(said: object) -> None:
    assert parse({"lfd": said}) == LFDParams(0.1, 1.0, None, "jsd", 1, None)


@pytest.mark.parametrize("said", [0, False, 0.0, "0", "false", "off", "Off"])
def test_it_is_switched_off(said: object) -> None:
    assert parse({"lfd": said}) is None
    assert parse({"lfd": said, "lfd_alpha": 0.5}) is None


@pytest.mark.parametrize("said", [2, -1, 0.5, math.nan, "yes", "", None, [1], {"on": 1}])
def test_the_switch_takes_nothing_else(said: object) -> None:
    with pytest.raises(ValueError, match=r"^lfd must be 1, 0, true, false, on or off, not "):
        parse({"lfd": said})


@pytest.mark.parametrize("switch", [1, 0], ids=["on", "off"])
@pytest.mark.parametrize(("key", "value"), BAD, ids=[f"{key}={value!r}" for key, value in BAD])
def test_a_bad_value_is_refused_by_name_whether_on_or_off(
    key: str, value: object, switch: int
) -> None:
    with pytest.raises(ValueError, match=rf"^{key} (must be|is not known)"):
        parse({"lfd": switch, key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lfd_alpha", 0.1),
        ("lfd_weight", 1),
        ("lfd_layer", -1),
        ("lfd_divergence", "kl"),
        ("lfd_every", 2),
        ("lfd_probe", [1, 2]),
    ],
)
def test_a_parameter_without_the_switch_is_refused_and_the_text_says_how_to_set_it(
    key: str, value: object
) -> None:
    with pytest.raises(ValueError, match=rf'^{key} is given without lfd: add "lfd": 1$'):
        parse({key: value})


@pytest.mark.parametrize(
    ("key", "value", "field", "read"),
    [
        ("lfd_alpha", 0, "alpha", 0.0),
        ("lfd_alpha", 1, "alpha", 1.0),
        ("lfd_weight", 0, "weight", 0.0),
        ("lfd_weight", 4, "weight", 4.0),
        ("lfd_weight", 0.5, "weight", 0.5),
        ("lfd_layer", -1, "layer", None),
        ("lfd_layer", 1, "layer", 1),
        ("lfd_layer", 80, "layer", 80),
        ("lfd_divergence", "jsd", "divergence", "jsd"),
        ("lfd_divergence", "kl", "divergence", "kl"),
        ("lfd_every", 1, "every", 1),
        ("lfd_every", 256, "every", 256),
        ("lfd_every", "once", "every", None),
        ("lfd_probe", [10, 11], "probe", (10, 11)),
        ("lfd_probe", (11, 0), "probe", (11, 0)),
    ],
)
def test_the_ends_of_every_range_are_read(
    key: str, value: object, field: str, read: object
) -> None:
    found = parse({"lfd": 1, key: value})
    assert found is not None
    assert getattr(found, field) == read
    assert type(getattr(found, field)) is type(read)


def test_a_long_value_is_shown_by_its_beginning_only() -> None:
    with pytest.raises(ValueError, match=r"^lfd_alpha must be") as refused:
        parse({"lfd": 1, "lfd_alpha": "9" * 10_000})
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize(
    ("every", "chosen"),
    [(1, [0, 1, 2, 3, 4, 5, 6, 7]), (3, [0, 3, 6]), (256, [0]), (None, [0])],
)
def test_the_layer_is_chosen_at_the_first_token_and_every_nth_after(
    every: int | None, chosen: list[int]
) -> None:
    params = LFDParams(every=every)
    assert [step for step in range(8) if params.chooses_at(step)] == chosen
