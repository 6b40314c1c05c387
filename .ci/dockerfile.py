"""Prints the inline Dockerfile of a compose file, for the linter."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

services = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))["services"]
found = {
    service["build"]["dockerfile_inline"]
    for service in services.values()
    if "dockerfile_inline" in service.get("build", {})
}
sys.stdout.write("\n".join(sorted(found)) + "\n")
