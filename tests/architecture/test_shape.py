"""The shape of the code: small modules, small folders, one place that catches everything."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path
    for package in ("app", "retrievers")
    for path in (ROOT / package).rglob("*.py")
    if "_migrations" not in path.parts
)
LONGEST, MEDIAN, FILES = 300, 150, 20  # of files, 12 is the aim


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_module_is_long_and_most_are_short() -> None:
    lengths = {path.relative_to(ROOT): lines(path) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}
    assert statistics.median(length for length in lengths.values() if length > 10) <= MEDIAN


def test_no_folder_is_crowded() -> None:
    crowds = Counter(path.parent.relative_to(ROOT) for path in MODULES)
    assert {folder: count for folder, count in crowds.items() if count > FILES} == {}


def test_everything_is_caught_in_one_place_only() -> None:
    """In one of the service, and in one of what runs inside vLLM, where it would end the engine."""
    found = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None
                or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
            ):
                found.append(str(path.relative_to(ROOT)))
    assert sorted(found) == ["app/generation/lfd/processor.py", "app/observe.py"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_and_keeps_no_state(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not tree.body:
        return
    assert ast.get_docstring(tree), "a module begins with a line that says what it holds"
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Global), "module-level state"


def test_importing_the_application_reads_no_settings_and_no_backend() -> None:
    code = (
        "import sys, app.main; "
        "bad = {'app.wiring', 'faiss', 'tantivy', 'onnxruntime', 'torch'} & set(sys.modules); "
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_kernel_needs_neither_the_application_nor_a_web_framework() -> None:
    code = (
        "import pkgutil, sys, importlib, retrievers\n"
        "for found in pkgutil.walk_packages(retrievers.__path__, 'retrievers.'):\n"
        "    importlib.import_module(found.name)\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "bad = loaded & {'app', 'fastapi', 'starlette'}\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_imports_point_inward() -> None:
    pytest.importorskip("importlinter", reason="in the extra `lint`")
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
