"""Lets vLLM's second model runner run on a CPU, for tests: Triton interprets its kernels there.

Python loads this at its start where the folder is on PYTHONPATH. The interpreter comes with Triton;
added is a back end for the CPU that is active, without which vLLM switches Triton off.
"""

from __future__ import annotations

import os
from types import SimpleNamespace

os.environ["TRITON_INTERPRET"] = "1"

from triton.backends import backends

backends["cpu"] = SimpleNamespace(driver=SimpleNamespace(is_active=lambda: True), compiler=None)
