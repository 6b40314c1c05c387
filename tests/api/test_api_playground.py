"""The playground in a real browser that can reach nothing but the service."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest
from edge_services import live, make_services

CHROMIUM = shutil.which("chromium")


@pytest.mark.chromium
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium binary here")
def test_the_playground_shows_every_operation_with_the_network_cut(tmp_path: Path) -> None:
    with live(asyncio.run(make_services())) as url:
        done = subprocess.run(
            [
                str(CHROMIUM),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                f"--user-data-dir={tmp_path}",
                "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
                "--virtual-time-budget=10000",
                "--dump-dom",
                f"{url}/docs",
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    for operation in ("search", "ask", "addDocuments", "addFiles", "createApiKey"):
        assert f"-{operation}" in done.stdout
    assert "Authorize" in done.stdout
