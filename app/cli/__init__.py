"""The command line. Nothing heavy is imported here: `anabranch --help` must be quick."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from app.cli.parser import parse
from app.domain.errors import AnabranchError, Misconfigured

# From malloc.h: M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD (bytes).
MALLOC: Mapping[int, int] = MappingProxyType({-8: 2, -3: 2**20, -1: 2**20})
FAILED, UNUSABLE, NEWER_SCHEMA, INTERRUPTED = 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, or 1 failed, 2 unusable settings or arguments."""
    # Before anything imports numpy: a pool of spinning OpenMP threads doubles the cost of a query.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # The data directory holds documents and the passwords of SQL sources: for this user alone.
    os.umask(0o077)
    _spare_memory()
    arguments = parse(sys.argv[1:] if argv is None else argv)
    try:
        command = importlib.import_module(f"app.cli.{arguments.module}")
        return int(command.run(arguments) or 0)
    except AnabranchError as error:
        _say(error.detail)
        if error.code == "newer-schema":
            return NEWER_SCHEMA
        return UNUSABLE if isinstance(error, Misconfigured) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`); without this the interpreter complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _spare_memory() -> None:
    """Make glibc give back what large indexes and long ingests have freed.

    By default it keeps eight arenas per core, and after the first large array is freed it takes
    the next ones from the heap, whose top then seldom gets free: 40 MB after loading 10,000
    passages, 50 MB after ingesting them.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for parameter, value in MALLOC.items():
            libc.mallopt(parameter, value)


def _say(detail: str) -> None:
    print(f"anabranch: {detail}", file=sys.stderr)
