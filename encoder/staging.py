"""Staging and publishing: a title appears whole, by the rename of its title.json, or not at all.

A run works in `<library>/.staging/<title>/<its own>/` and holds a lock on the folder above, which the system
lets go when the run dies; the next run then clears what the dead one left. (An ffmpeg that outlived its run
ends when it finds its folder gone.)
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from encoder.errors import EncodeError

_TITLE = "title.json"
_ROOM_BYTES = 2**20  # a disk with less is full
_RENDITION = re.compile(r"(\d+p(-\d+k)?|audio-[a-z]+)-[0-9a-f]{8}")


class LibraryError(EncodeError):
    """The library cannot take the title; the message names the path and the reason."""


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """The system's refusals (no space, no permission) as one line."""
    try:
        yield
    except OSError as error:
        raise LibraryError(
            f"{error.filename or path}: {error.strerror}; it must be writable and have room"
        ) from None


def check_room(folder: Path) -> None:
    """Raises LibraryError if the disk is full."""
    if shutil.disk_usage(folder).free < _ROOM_BYTES:
        raise LibraryError(f"{folder.parent.parent.parent}: no space left; make room and run it again")


@contextmanager
def staging(library: Path, title: str) -> Iterator[Path]:
    """An empty folder on the library's file system, gone at the end whatever happens."""
    shared = library / ".staging" / title
    with _locked(shared):
        with reported(shared):
            for stale in list(shared.iterdir()):
                shutil.rmtree(stale, ignore_errors=True)
            own = shared / str(os.getpid())
            own.mkdir()
        try:
            yield own
        finally:
            shutil.rmtree(shared, ignore_errors=True)  # once more at the next run, should it fail
            with suppress(OSError):
                shared.parent.rmdir()  # if no other title is being encoded


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    while True:
        with reported(folder):
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise LibraryError(f"{folder.name}: another run is encoding this title; wait for it") from None
        if _is_at(handle, folder):
            break
        os.close(handle)  # the run before has ended and taken its folder along
    try:
        yield
    finally:
        os.close(handle)


def _is_at(handle: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), folder.stat())
    except FileNotFoundError:
        return False


def publish(staged: Path, title: Path, renditions: Iterable[str], texts: Iterable[str]) -> None:
    """Rendition folders first, then `texts` in their order, of which `title.json` is the last.

    A failure before that leaves nothing of a new title.
    """
    moved: list[Path] = []
    is_new = not (title / _TITLE).exists()
    try:
        with reported(title):
            title.mkdir(exist_ok=True)
            for name in renditions:
                _move_in(staged, title, name)
                moved.append(title / name)
            _sync(title)
            for name in texts:
                (staged / name).replace(title / name)
                moved.append(title / name)
            _sync(title)
            _sync(title.parent)
    except BaseException:
        if is_new and not (title / _TITLE).exists():
            _take_back(moved, title)
        raise


def remove_unused(title: Path, used: set[str]) -> None:
    """Drop the renditions that neither this version nor the one before plays."""
    for folder in title.iterdir():
        if _RENDITION.fullmatch(folder.name) and folder.name not in used:
            shutil.rmtree(folder, ignore_errors=True)


def write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _move_in(staged: Path, title: Path, name: str) -> None:
    """A rendition of this very name is what a dead run left, or damaged: it makes room."""
    if (title / name).exists():
        (title / name).rename(staged / f"{name}.old")
    (staged / name).rename(title / name)


def _take_back(moved: list[Path], title: Path) -> None:
    for path in moved:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with suppress(OSError):
        title.rmdir()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
