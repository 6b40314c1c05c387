"""What the tests of layer-fused decoding share; those of a real vLLM run in its environment."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the project is installed as it is beside vLLM."""
    from served import installed

    return installed(tmp_path_factory.mktemp("plugin"))
