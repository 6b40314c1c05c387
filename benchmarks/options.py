"""What the commands that put question sets to a service have in common on their command lines."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.service import DEFAULT_MODEL
from benchmarks.sets import DEFAULT_DATA


def inputs(description: str | None) -> argparse.ArgumentParser:
    """A parser that knows the folders of the sets and the encoder, and shows the text as it is."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder with the sets")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="encoder folder")
    return parser


def sets(description: str | None, names: Sequence[str]) -> argparse.ArgumentParser:
    """The same, with a choice of sets and a folder for the service's data."""
    parser = inputs(description)
    parser.add_argument("--sets", nargs="+", default=list(names), choices=names)
    parser.add_argument("--folder", type=Path, help="keep the service's data here and reuse it")
    return parser
