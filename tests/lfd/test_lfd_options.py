"""What the server is told in `--additional-config`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.generation.lfd.options import Options, options


@pytest.mark.parametrize(
    "additional",
    [{}, None, {"other": {"first": "x"}}, {"anabranch_lfd": {}}, SimpleNamespace(first=3)],
)
def test_what_says_nothing_of_it_leaves_the_defaults(additional: Any) -> None:
    assert options(additional) == Options(first=None, last=None, scratch_mib=256)


def test_all_of_it_is_read() -> None:
    told = {"other": 1, "anabranch_lfd": {"first": 15, "last": 27, "scratch_mib": 64}}
    assert options(told) == Options(15, 27, 64)
    assert options({"anabranch_lfd": {"last": 20}}) == Options(last=20)


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "15", None, [15]])
@pytest.mark.parametrize("name", ["first", "last", "scratch_mib"])
def test_what_is_no_positive_whole_number_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^anabranch_lfd\.{name} must be a positive whole"):
        options({"anabranch_lfd": {name: value}})


@pytest.mark.parametrize("given", [{"frist": 1}, {"first": 1, "": 2}, {"lfd": 1}, [1], "first", 3])
def test_anything_else_is_refused_with_an_example_to_copy(given: object) -> None:
    with pytest.raises(ValueError, match=r"^anabranch_lfd takes first, last, scratch_mib, as in "):
        options({"anabranch_lfd": given})
