"""Published states of one index: built aside, made durable, swapped in by one rename.

    root/CURRENT        name of the generation that counts, and the digest of its manifest
    root/gen-000007/    its files, and manifest.json with a digest of each

A crash at any point leaves either the old or the new generation, whole. Damage is found when the
generation is opened: the index libraries themselves load files with flipped bytes without a word.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CURRENT = "CURRENT"
MANIFEST = "manifest.json"
FORMAT = 1
_NAME = re.compile(r"gen-(\d{6,})")


class GenerationUnusable(Exception):
    """There is a generation, but it is damaged or was built by other rules; the text says which."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One published state; its files never change."""

    folder: Path
    facts: Mapping[str, Any]  # what the index wants to know of itself, JSON
    files: Mapping[str, str]  # name to sha256, without the manifest


class Disk:
    """The operations whose order matters; a test replaces them to crash between any two."""

    def sync(self, path: Path) -> None:
        """Make a file's content, or a folder's entries, survive a power cut."""
        if path.is_dir() and os.name == "nt":
            return  # Windows opens no folders, and journals their entries by itself
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def write(self, path: Path, content: bytes) -> None:
        """Create a small file; not durable before `sync`."""
        path.write_bytes(content)

    def rename(self, source: Path, target: Path) -> None:
        """Replace `target` in one step."""
        os.replace(source, target)

    def link(self, source: Path, target: Path) -> None:
        """Let `target` be the same file as `source`; a copy where the file system has no links."""
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)

    def remove(self, folder: Path) -> None:
        """Delete a folder; what another process still has open goes with a later attempt."""
        shutil.rmtree(folder, ignore_errors=True)


class Generations:
    """The generations of one index below `root`. One writer; any number of readers in the process.

    Args:
        fingerprint: Everything that shaped the index; another one makes a generation unusable.
    """

    def __init__(self, root: Path, fingerprint: str, disk: Disk | None = None) -> None:
        self.root, self._fingerprint, self._disk = root, fingerprint, disk or Disk()
        self._readers: Counter[Path] = Counter()
        self._drafts: set[Path] = set()
        self._lock = threading.Lock()

    def exists(self) -> bool:
        """Whether anything was ever published; opens and verifies nothing."""
        return (self.root / CURRENT).exists()

    def current(self) -> Generation | None:
        """The published generation with every digest verified; None if there is none.

        Raises:
            GenerationUnusable: It is damaged, incomplete or of another fingerprint.
        """
        try:
            name, _, digest = (self.root / CURRENT).read_text("ascii").strip().partition(" ")
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise GenerationUnusable(f"{CURRENT} is damaged") from error
        if not _NAME.fullmatch(name):
            raise GenerationUnusable(f"{CURRENT} is damaged")
        folder = self.root / name
        try:
            content = (folder / MANIFEST).read_bytes()
        except OSError as error:
            raise GenerationUnusable(f"{name}/{MANIFEST} cannot be read") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise GenerationUnusable(f"{name}/{MANIFEST} is damaged")
        manifest = json.loads(content)
        if manifest["format"] != FORMAT or manifest["fingerprint"] != self._fingerprint:
            raise GenerationUnusable(f"{name} was built by another model or other rules")
        for file, expected in manifest["files"].items():
            try:
                actual = _digest(folder / file)
            except OSError as error:
                raise GenerationUnusable(f"{name}/{file} cannot be read") from error
            if actual != expected:
                raise GenerationUnusable(f"{name}/{file} is damaged")
        return Generation(folder, manifest["facts"], manifest["files"])

    def draft(self, base: Generation | None = None) -> Path:
        """A fresh folder to build in, beginning with the files of `base` if given.

        The files are shared with `base`, not copied: replace one by rename or leave it as it is.
        """
        self._make_root()
        self.sweep()
        taken = [int(match[1]) for path in self.root.iterdir() if (match := _NAME.match(path.name))]
        folder = self.root / f"gen-{max(taken, default=0) + 1:06d}"
        self._drafts.add(folder)
        folder.mkdir()
        self._disk.sync(self.root)
        if base:
            for file in base.files:
                self._disk.link(base.folder / file, folder / file)
        return folder

    def publish(
        self,
        draft: Path,
        facts: Mapping[str, Any],
        base: Generation | None = None,
        synced: bool = False,
    ) -> Generation:
        """Make a draft the current generation; on return it survives a power cut.

        Args:
            base: The generation the draft began with; files still shared with it are neither
                synced nor read again.
            synced: The library that wrote the files has already synced them.
        """
        files: dict[str, str] = {}
        for path in sorted(draft.iterdir()):
            if path.name == MANIFEST or path.suffix == ".lock":
                continue
            shared = base.files.get(path.name) if base else None
            if base and shared and _same(base.folder / path.name, path):
                files[path.name] = shared
                continue
            if not synced:
                self._disk.sync(path)
            files[path.name] = _digest(path)
        manifest = {
            "format": FORMAT,
            "fingerprint": self._fingerprint,
            "facts": dict(facts),
            "files": files,
        }
        content = json.dumps(manifest, indent=1, sort_keys=True).encode()
        self._disk.write(draft / MANIFEST, content)
        self._disk.sync(draft / MANIFEST)
        self._disk.sync(draft)
        pointer = self.root / f"{CURRENT}.tmp"
        self._disk.write(pointer, f"{draft.name} {hashlib.sha256(content).hexdigest()}\n".encode())
        self._disk.sync(pointer)
        self._disk.rename(pointer, self.root / CURRENT)
        self._disk.sync(self.root)
        self._drafts.discard(draft)
        return Generation(draft, dict(facts), files)

    def write(self, save: Callable[[Path], Mapping[str, Any]]) -> Path:
        """Publish what `save` writes into a fresh folder and tells the facts of; the folder."""
        draft = self.draft()
        try:
            self.publish(draft, save(draft))
        except BaseException:
            self.discard(draft)
            raise
        self.sweep()
        return draft

    def discard(self, draft: Path) -> None:
        """Give a draft up; kept if it became current before something failed."""
        self._drafts.discard(draft)
        self.sweep()

    @contextmanager
    def reading(self, folder: Path) -> Iterator[None]:
        """Keep a generation's folder from being swept."""
        with self._lock:
            self._readers[folder] += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers[folder] -= 1

    def sweep(self) -> None:
        """Delete all but the current generation, those being read and drafts in work."""
        try:
            current = (self.root / CURRENT).read_text("ascii", errors="replace").partition(" ")[0]
        except FileNotFoundError:
            current = ""
        with self._lock:
            self._readers += Counter()  # drops the zeros
            keep = {current, *(folder.name for folder in (*self._readers, *self._drafts))}
            for path in list(self.root.iterdir()) if self.root.exists() else []:
                if _NAME.fullmatch(path.name) and path.name not in keep:
                    self._disk.remove(path)

    def remove(self) -> None:
        """Delete everything, the pointer first: half of a removal is an absent index."""
        (self.root / CURRENT).unlink(missing_ok=True)
        self._disk.remove(self.root)
        with suppress(OSError):  # the folder of the collection, unless others have something there
            self.root.parent.rmdir()

    def _make_root(self) -> None:
        missing = []
        folder = self.root
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            self._disk.sync(folder.parent)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except FileNotFoundError:
        return False
