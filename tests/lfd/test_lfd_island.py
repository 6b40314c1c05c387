"""What runs inside vLLM loads nothing of the service, and costs its processes nothing."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "app.generation.lfd"
IMPORTED = [PACKAGE, *(f"{PACKAGE}.{n}" for n in ("params", "layers", "options", "refusals"))]
IMPORTED += [f"{PACKAGE}.runtime"]
FORBIDDEN = {
    *("fastapi", "starlette", "pydantic", "sqlalchemy", "httpx"),
    *("numpy", "torch", "vllm", "transformers", "retrievers"),
}
MEASURED = """
import json, sys, time
before = set(sys.modules)
start = time.process_time()
import {names}
took = time.process_time() - start
print(json.dumps({{"took": took, "loaded": sorted(set(sys.modules) - before)}}))
"""
MOST_S = 0.05  # of processor time: the clock goes on while a shared machine stalls
TARGETS = {
    "vllm.general_plugins": f"{PACKAGE}:register",
    "vllm.logits_processors": f"{PACKAGE}.processor:LFDLogitsProcessor",
}


def imported() -> dict[str, Any]:
    """What a fresh interpreter says after importing the island."""
    code = MEASURED.format(names=", ".join(IMPORTED))
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


def test_it_loads_nothing_of_the_service_nor_anything_heavy_and_is_quick() -> None:
    runs = [imported() for _ in range(3)]
    loaded = set(runs[0]["loaded"])
    assert {name.partition(".")[0] for name in loaded} & FORBIDDEN == set()
    ours = {name for name in loaded if name.partition(".")[0] == "app"}
    assert ours == {"app", "app.generation", *IMPORTED}
    assert min(run["took"] for run in runs) < MOST_S


@pytest.mark.parametrize("module", ["app", "app.generation"])
def test_the_packages_above_it_are_empty(module: str) -> None:
    # vLLM's processes import through them.
    assert ROOT.joinpath(*module.split("."), "__init__.py").read_bytes() == b""


@pytest.mark.parametrize("group", TARGETS)
def test_vllm_finds_it_by_its_entry_points(group: str) -> None:
    declared = {
        point.name: point.value
        for point in distribution("anabranch").entry_points
        if point.group == group
    }
    assert declared == {"anabranch_lfd": TARGETS[group]}, "installed before they were declared?"
    module, _, attribute = TARGETS[group].partition(":")
    found = find_spec(module)  # imports what is above the module only
    assert found is not None
    assert found.origin is not None
    tree = ast.parse(Path(found.origin).read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert attribute in defined
