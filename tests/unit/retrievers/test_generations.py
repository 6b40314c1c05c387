"""Publishing survives a crash after every step, under the strictest disk there is."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrievers.generations import (
    CURRENT,
    MANIFEST,
    Disk,
    Generation,
    Generations,
    GenerationUnusable,
)

PRINT = "test-1"


class Crash(Exception):
    """The power went."""


class FrailDisk(Disk):
    """Fails at the nth step, and knows what a power cut would leave behind.

    The model is the strictest that POSIX allows: a file's content is what it was when the file was
    last synced, a folder's entries are those it had when the folder was last synced.
    """

    def __init__(self, steps: int | None = None) -> None:
        self.left = steps
        self._contents: dict[int, bytes] = {}
        self._entries: dict[Path, dict[str, int | None]] = {}

    def _step(self) -> None:
        if self.left is not None:
            if not self.left:
                raise Crash
            self.left -= 1

    def sync(self, path: Path) -> None:
        self._step()
        if path.is_dir():
            self._entries[path] = {
                child.name: None if child.is_dir() else child.stat().st_ino
                for child in path.iterdir()
            }
        else:
            self._contents[path.stat().st_ino] = path.read_bytes()

    def write(self, path: Path, content: bytes) -> None:
        self._step()
        super().write(path, content)

    def rename(self, source: Path, target: Path) -> None:
        self._step()
        super().rename(source, target)

    def link(self, source: Path, target: Path) -> None:
        self._step()
        super().link(source, target)

    def remove(self, folder: Path) -> None:
        self._step()
        super().remove(folder)

    def after_power_cut(self, folder: Path, target: Path) -> Path:
        """Write what is left of a folder."""
        target.mkdir()
        for name, inode in self._entries.get(folder, {}).items():
            if inode is None:
                self.after_power_cut(folder / name, target / name)
            else:
                (target / name).write_bytes(self._contents.get(inode, b""))
        return target


def _build(generations: Generations, text: str, base: Generation | None = None) -> Generation:
    draft = generations.draft(base)
    for name in ("index.bin", "rows.bin"):
        (draft / name).write_bytes(f"{name} {text}".encode() * 50)
    return generations.publish(draft, {"text": text}, base)


def _grow(generations: Generations, text: str, base: Generation) -> Generation:
    draft = generations.draft(base)
    (draft / f"{text}.bin").write_text(text)
    return generations.publish(draft, {"text": text}, base)


def _text(root: Path) -> str | None:
    """What a fresh process finds; any damage raises."""
    found = Generations(root, PRINT).current()
    return None if found is None else str(found.facts["text"])


def test_there_is_nothing_before_the_first_generation(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "deep" / "root", PRINT)
    assert not generations.exists()
    assert generations.current() is None
    assert not (tmp_path / "deep").exists()


def test_a_published_generation_is_current_for_everybody(tmp_path: Path) -> None:
    root = tmp_path / "root"
    first = _build(Generations(root, PRINT), "one")
    found = Generations(root, PRINT).current()
    assert found == first
    assert found is not None
    assert (found.folder / "rows.bin").read_bytes().startswith(b"rows.bin one")
    assert set(found.files) == {"index.bin", "rows.bin"}


def test_a_draft_may_share_the_files_of_its_base(tmp_path: Path) -> None:
    generations = Generations(tmp_path, PRINT)
    first = _build(generations, "one")
    second = _grow(generations, "two", first)
    assert set(second.files) == {"index.bin", "rows.bin", "two.bin"}
    assert (second.folder / "index.bin").samefile(first.folder / "index.bin")
    assert _text(tmp_path) == "two"


def test_a_shared_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    generations = Generations(tmp_path, PRINT)
    first = _build(generations, "one")
    draft = generations.draft(first)
    (draft / "new").write_text("other rows")
    (draft / "new").replace(draft / "rows.bin")
    second = generations.publish(draft, {"text": "two"}, first)
    assert second.files["rows.bin"] != first.files["rows.bin"]
    assert _text(tmp_path) == "two"


def test_where_links_do_not_work_files_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError("this file system has no links")

    generations = Generations(tmp_path, PRINT)
    first = _build(generations, "one")
    monkeypatch.setattr("os.link", no_links)
    _grow(generations, "two", first)
    shutil.rmtree(first.folder)
    assert _text(tmp_path) == "two"


def _scenarios(root: Path, disk: FrailDisk) -> Iterator[str]:
    """Three publications; yields what must be found from then on."""
    generations = Generations(root, PRINT, disk)
    first = _build(generations, "one")
    yield "one"
    second = _grow(generations, "two", first)
    yield "two"
    generations.sweep()
    third = _build(generations, "three", None)
    yield "three"
    generations.sweep()
    _grow(generations, "four", third)
    assert second is not None
    yield "four"


@pytest.mark.parametrize("how", ["process killed", "power cut", "only the pointer made it"])
def test_a_crash_after_any_step_leaves_the_old_or_the_new_one(tmp_path: Path, how: str) -> None:
    following = {None: "one", "one": "two", "two": "three", "three": "four", "four": None}
    for steps in itertools.count():
        base = tmp_path / str(steps)
        base.mkdir()
        root = base / "indexes" / "1" / "vector"
        disk = FrailDisk(steps)
        promised: str | None = None
        promises = _scenarios(root, disk)
        try:
            while (promise := next(promises, None)) is not None:
                promised = promise
        except Crash:
            if how != "process killed":
                left = disk.after_power_cut(base, tmp_path / f"{steps}-after")
                pointer, root = root / CURRENT, left / "indexes" / "1" / "vector"
                if how == "only the pointer made it" and pointer.exists() and root.exists():
                    shutil.copyfile(pointer, root / CURRENT)
            assert _text(root) in (promised, following[promised])
            # The next start builds on whatever is left, and leaves no litter.
            again = Generations(root, PRINT)
            _build(again, "again")
            again.sweep()
            assert _text(root) == "again"
            assert len(list(root.glob("gen-*"))) == 1
        else:
            assert promised == "four"
            assert steps > 40
            return


def test_a_removal_that_crashes_leaves_all_or_nothing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _build(Generations(root, PRINT), "one")
    with pytest.raises(Crash):
        Generations(root, PRINT, FrailDisk(0)).remove()
    assert _text(root) is None


def test_the_last_removal_takes_the_folder_that_was_shared_along(tmp_path: Path) -> None:
    both = [Generations(tmp_path / "7" / name, PRINT) for name in ("vector", "graph")]
    for generations in both:
        _build(generations, "one")
    both[0].remove()
    assert (tmp_path / "7").is_dir()
    both[1].remove()
    assert not (tmp_path / "7").exists()


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_flipped_bit_in_any_file_is_noticed(tmp_path: Path, place: str) -> None:
    root = tmp_path / "root"
    generation = _build(Generations(root, PRINT), "one")
    for path in (root / CURRENT, generation.folder / MANIFEST, *generation.folder.glob("*.bin")):
        whole = path.read_bytes()
        damaged = bytearray(whole)
        at = {"first": 0, "middle": len(whole) // 2, "last": -2}[place]
        damaged[at] ^= 0x04
        path.write_bytes(damaged)
        with pytest.raises(GenerationUnusable):
            Generations(root, PRINT).current()
        path.write_bytes(whole)
    assert _text(root) == "one"


def test_bytes_that_are_no_text_in_the_pointer_are_damage(tmp_path: Path) -> None:
    _build(Generations(tmp_path, PRINT), "one")
    (tmp_path / CURRENT).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GenerationUnusable, match="CURRENT"):
        Generations(tmp_path, PRINT).current()


def test_a_pointer_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    _build(Generations(tmp_path / "root", PRINT), "one")
    digest = (tmp_path / "root" / CURRENT).read_text().split()[1]
    (tmp_path / "root" / CURRENT).write_text(f"../root/gen-000001 {digest}\n")
    with pytest.raises(GenerationUnusable, match="CURRENT"):
        Generations(tmp_path / "root", PRINT).current()


@pytest.mark.parametrize("name", [MANIFEST, "rows.bin"])
def test_a_missing_file_is_noticed(tmp_path: Path, name: str) -> None:
    generation = _build(Generations(tmp_path, PRINT), "one")
    (generation.folder / name).unlink()
    with pytest.raises(GenerationUnusable, match=name):
        Generations(tmp_path, PRINT).current()


def test_another_fingerprint_is_another_index(tmp_path: Path) -> None:
    _build(Generations(tmp_path, PRINT), "one")
    with pytest.raises(GenerationUnusable, match="another model"):
        Generations(tmp_path, "test-2").current()


def test_old_generations_go_when_nobody_reads_them(tmp_path: Path) -> None:
    generations = Generations(tmp_path, PRINT)
    first = _build(generations, "one")
    with generations.reading(first.folder), generations.reading(first.folder):
        second = _build(generations, "two")
        generations.sweep()
        assert first.folder.exists()
    generations.sweep()
    assert not first.folder.exists()
    assert second.folder.exists()


def test_a_draft_in_work_is_not_swept_and_a_given_up_one_is(tmp_path: Path) -> None:
    generations = Generations(tmp_path, PRINT)
    draft, other = generations.draft(), generations.draft()
    assert draft != other
    generations.sweep()
    assert draft.exists()
    generations.discard(draft)
    assert not draft.exists()
    assert other.exists()


def test_giving_up_a_draft_that_became_current_keeps_it(tmp_path: Path) -> None:
    disk = FrailDisk()
    generations = Generations(tmp_path, PRINT, disk)
    draft = generations.draft()
    (draft / "a.bin").write_text("a")
    # Everything but the last sync, which comes after the swap.
    disk.left = 7
    with pytest.raises(Crash):
        generations.publish(draft, {"text": "one"})
    disk.left = None
    generations.discard(draft)
    assert _text(tmp_path) == "one"


def test_locks_of_the_library_are_no_part_of_a_generation(tmp_path: Path) -> None:
    generations = Generations(tmp_path, PRINT)
    draft = generations.draft()
    (draft / "a.bin").write_text("a")
    (draft / ".writer.lock").touch()
    assert set(generations.publish(draft, {"text": "one"}).files) == {"a.bin"}
