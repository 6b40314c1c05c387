"""What the server is told about layer-fused decoding in `--additional-config`.

Not by variables of the environment: vLLM hashes that option into the key of its compile cache, and
a graph that was compiled with another range of layers must not be used again.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

KEY = "anabranch_lfd"
_SHOWN = '--additional-config \'{"anabranch_lfd": {"first": 15, "last": 27, "scratch_mib": 256}}\''


@dataclass(frozen=True, slots=True)
class Options:
    """Of one server.

    Args:
        first: Lowest candidate layer, from 1; None takes the first of the latter half.
        last: Highest candidate layer; None takes the last but one of all.
        scratch_mib: Memory for comparing candidates, which vLLM's profiling does not see.
    """

    first: int | None = None
    last: int | None = None
    scratch_mib: int = 256


def options(additional: Any) -> Options:
    """Read vLLM's `additional_config`.

    Raises:
        ValueError: An unknown key, or a value that is no positive whole number.
    """
    given = additional.get(KEY, {}) if isinstance(additional, dict) else {}
    known = [field.name for field in fields(Options)]
    if not isinstance(given, dict) or given.keys() - set(known):
        raise ValueError(f"{KEY} takes {', '.join(known)}, as in {_SHOWN}")
    for name, value in given.items():
        if type(value) is not int or value < 1:
            raise ValueError(f"{KEY}.{name} must be a positive whole number, not {value!r}")
    return Options(**given)
