"""One process per data directory: embedded indexes have one writer."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.domain.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the data directory."""

    pid: int
    command: str
    since: str
    url: str | None  # where it serves, once it does


class InUse(Misconfigured):
    """Another process has the data directory."""

    def __init__(self, folder: Path, holder: Holder | None) -> None:
        who = "another process"
        if holder:
            who = f"`anabranch {holder.command}` (process {holder.pid}, since {holder.since})"
        super().__init__(f"{folder} is in use by {who}; stop it or set ANABRANCH_DATA_DIR")
        self.holder = holder


class DataDirLock:
    """An advisory lock on `<data_dir>/lock`, whose content says who holds it.

    The kernel drops it with the process, however that ends, so no lock is ever left behind.
    """

    def __init__(self, folder: Path, command: str) -> None:
        self._folder, self._command = folder, command
        self._descriptor: int | None = None
        self._note: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            InUse: Another process holds it.
            Misconfigured: The folder cannot be made or written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(
                self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise Misconfigured(
                f"the data directory cannot be used ({error}); set ANABRANCH_DATA_DIR"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(descriptor)
            os.close(descriptor)
            raise InUse(self._folder, holder) from None
        self._descriptor = descriptor
        since = datetime.now(UTC).isoformat(timespec="seconds")
        self._note = {"pid": os.getpid(), "command": self._command, "since": since, "url": None}
        self._write()
        return self

    def announce(self, url: str) -> None:
        """Say where this process serves, so that other commands can reach it."""
        self._note["url"] = url
        self._write()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self) -> None:
        if self._descriptor is not None:
            text = json.dumps(self._note).encode()
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text, 0)


def _read(descriptor: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(descriptor, 4096, 0)))
    except (ValueError, TypeError):  # being written at this moment
        return None
