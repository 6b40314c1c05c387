"""A run that must have torch or vLLM fails where they are missing, instead of skipping."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
FLAGS = ("-p", "no:cacheprovider", "--continue-on-collection-errors")
WHOLE = 'import pytest\npytest.importorskip("no_such_thing", reason="needs No_Such_Thing")\n'
INSIDE = """
import pytest

def test_that_needs_it():
    pytest.importorskip("no_such_thing")

def test_that_needs_another():
    pytest.importorskip("no_such_thing_either")

@pytest.mark.xfail(reason="no_such_thing is expected to fail")
def test_that_fails():
    assert False
"""


@pytest.mark.parametrize(
    ("required", "outcome"),
    [
        ("", "3 skipped, 1 xfailed"),
        ("postgres,no_such", "3 skipped, 1 xfailed"),
        ("postgres,no_such_thing", "1 failed, 1 skipped, 1 xfailed, 1 error"),
    ],
)
def test_a_skip_for_want_of_what_is_required_is_a_failure(
    required: str, outcome: str, tmp_path: Path
) -> None:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_whole.py").write_text(WHOLE)
    (tmp_path / "test_inside.py").write_text(INSIDE)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", ".", *FLAGS],
        cwd=tmp_path,
        env={**os.environ, "ANABRANCH_TEST_REQUIRE": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f" {outcome} in " in ran.stdout.splitlines()[-1], ran.stdout
    assert (ran.returncode == 0) == ("no_such_thing" not in required)
    if ran.returncode:
        assert "ANABRANCH_TEST_REQUIRE forbids to skip this: needs No_Such_Thing" in ran.stdout
        assert "forbids to skip this: could not import 'no_such_thing':" in ran.stdout
