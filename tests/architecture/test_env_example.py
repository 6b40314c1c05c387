"""`.env.example` lists every setting with its default, and one line about it."""

from __future__ import annotations

from pathlib import Path

from app.cli.upkeep import shown
from app.settings import Settings, leaves, load

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def lines() -> list[str]:
    return EXAMPLE.read_text(encoding="utf-8").splitlines()


def test_the_example_holds_every_setting_with_its_default_in_order() -> None:
    listed = [line for line in lines() if line and not line.startswith("#")]
    assert listed == [f"{name}={shown(value)}" for name, value in leaves()]


def test_each_block_of_the_example_begins_with_a_comment() -> None:
    for block in EXAMPLE.read_text(encoding="utf-8").split("\n\n"):
        assert block.startswith("# ")


def test_the_example_itself_is_the_defaults() -> None:
    assert load(env_file=EXAMPLE) == Settings(_env_file=None)
