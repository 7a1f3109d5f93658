"""Staging and publishing: a title appears whole, by the rename of its title.json, or not at all.

A run works in `<library>/.staging/<title>/<what is asked for>/`, which keeps finished steps for the next run,
and holds a lock on the folder above, which the system lets go when the run dies. (An ffmpeg that outlived its
run ends with its chunk, in a folder that nobody reads any more.)
"""

from __future__ import annotations

import fcntl
import filecmp
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from encoder.errors import EncodeError

_TITLE = "title.json"
_ROOM_BYTES = 2**20  # a disk with less is full
_SHARED = ("subtitles", "thumbnails")  # folders that hold what several versions have
# What plans have made, by their own names: what else lies in a title's folder is somebody's own.
_ENTRY = re.compile(
    r"(\d+p(-\d+k)?(-[a-z0-9]+)?(-hdr)?|audio-[A-Za-z0-9-]+)-[0-9a-f]{8}"
    r"|subtitles/[A-Za-z0-9-]+-[0-9a-f]{8}(\.vtt)?"
    r"|thumbnails/(poster-)?[0-9a-f]{8}(\.jpg)?"
)


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
        library = next((above.parent for above in folder.parents if above.name == ".staging"), folder)
        raise LibraryError(f"{library}: no space left; make room and run it again, it goes on from here")


@contextmanager
def staging(library: Path, title: str, key: str) -> Iterator[Path]:
    """The folder of what is asked for, `key`, on the library's file system.

    What was asked for before and is not any more goes. It is the caller's to `clear` it once published; a
    run that has nothing to show for itself leaves none.
    """
    shared = library / ".staging" / title
    with _locked(shared):
        own = shared / key
        with reported(shared):
            for other in shared.iterdir():
                if other != own:
                    shutil.rmtree(other, ignore_errors=True)
            own.mkdir(exist_ok=True)
        try:
            yield own
        finally:
            for folder in (own, shared, shared.parent):
                with suppress(OSError):
                    folder.rmdir()  # if it is empty


def clear(staged: Path) -> None:
    shutil.rmtree(staged, ignore_errors=True)  # once more at the next run, should it fail


def sweep(library: Path, title: str, key: str) -> None:
    """Clear away the work of a run that died when it had published already."""
    shared = library / ".staging" / title
    if (shared / key).exists():
        with suppress(LibraryError), staging(library, title, key) as staged:
            clear(staged)
    for folder in (shared, shared.parent):
        with suppress(OSError):
            folder.rmdir()  # if it is empty


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    while True:
        with reported(folder):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                handle = os.open(folder, os.O_RDONLY)
            except FileNotFoundError:
                continue  # a run that has just ended took it along
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


def publish(staged: Path, title: Path, entries: Iterable[str], texts: Iterable[str]) -> None:
    """What is played first, then `texts` in their order, of which `title.json` is the last.

    A failure before that leaves nothing of a new title.
    """
    moved: list[str] = []
    is_new = not (title / _TITLE).exists()
    try:
        with reported(title):
            title.mkdir(exist_ok=True)
            for name in entries:
                _move_in(staged, title, name)
                moved.append(name)
            _sync(title)
            for name in texts:
                (staged / name).replace(title / name)
                moved.append(name)
            _sync(title)
            _sync(title.parent)
    except BaseException:
        if is_new and not (title / _TITLE).exists():
            _take_back(moved, staged, title)
        raise


def reclaim(staged: Path, title: Path, entries: Iterable[str]) -> None:
    """Find again what a run that died while it was publishing has moved already.

    It stays where it is, too: a manifest that was moved with it may be playing.
    """
    with reported(title):
        for name in entries:
            if (title / name).is_dir() and not _holds_any(staged / name):
                shutil.copytree(title / name, staged / name, copy_function=_linked, dirs_exist_ok=True)


def entry_of(path: str) -> str:
    """What is moved as a whole, of a file in a title's folder."""
    return "/".join(path.split("/")[: 2 if path.startswith(_SHARED) else 1])


def remove_unused(title: Path, used: set[str]) -> None:
    """Drop what neither this version nor the one before plays."""
    for folder in (title, *(title / name for name in _SHARED)):
        for entry in folder.iterdir() if folder.is_dir() else ():
            if may_go(entry.relative_to(title).as_posix(), used):
                _remove(entry)


def may_go(entry: str, used: set[str]) -> bool:
    """It is what a plan has made, and nobody plays it."""
    return entry not in used and bool(_ENTRY.fullmatch(entry))


def write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _holds_any(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _move_in(staged: Path, title: Path, name: str) -> None:
    """What has this very name is what a dead run left, or damaged: it makes room, unless it is the same."""
    (title / name).parent.mkdir(parents=True, exist_ok=True)
    if (title / name).exists():
        if _is_same(staged / name, title / name):
            return
        _remove(staged / f"{name}.old")  # of a run that died here
        (title / name).rename(staged / f"{name}.old")
    (staged / name).rename(title / name)


def _linked(source: str, to: str) -> None:
    """A second name for the file, or a copy where the file system has no such thing."""
    try:
        os.link(source, to)
    except OSError:
        shutil.copy2(source, to)


def _is_same(staged: Path, title: Path) -> bool:
    """Two files, or two folders of files, with the same bytes."""
    if not (staged.is_dir() and title.is_dir()):
        return staged.is_file() and title.is_file() and filecmp.cmp(staged, title, shallow=False)
    names = {path.name for path in staged.iterdir()}
    return names == {path.name for path in title.iterdir()} and all(
        _is_same(staged / name, title / name) for name in names
    )


def _take_back(moved: Iterable[str], staged: Path, title: Path) -> None:
    """The work stays for the next run; the title's folder goes."""
    for name in moved:
        with suppress(OSError):
            if (staged / name).exists():
                _remove(title / name)
            else:
                (title / name).rename(staged / name)
    for folder in (*(title / name for name in _SHARED), title):
        with suppress(OSError):
            folder.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
