"""Where titles are published: a folder, or a place that is reached by URL."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Protocol

from encoder.staging import (
    LibraryError,
    entry_of,
    may_go,
    publish,
    reclaim,
    remove_unused,
    reported,
    staging,
    sweep,
    write_durably,
)
from encoder.store import Store, folder_of, shown, side_by_side
from media.title import Title, TitleFile

_MAY_BE_LEFT = {"manifest.mpd"}  # by a version before, where this one has none (AES-128)


class Library(Protocol):
    """Raises LibraryError, as all that is in it."""

    url: str  # by which other machines reach it

    def name_of(self, title: str) -> str:
        """What people are told of where it lies."""

    def read(self, title: str, name: str) -> bytes | None:
        """A text of a published title."""

    def write(self, title: str, name: str, data: bytes) -> None:
        """Put a text of a published title in its place, whole or not at all."""

    def is_whole(self, title: Title) -> bool:
        """All its files are there."""

    def staging(self, title: str, key: str) -> AbstractContextManager[Path]:
        """A folder on this machine to work in; one run at a time has it, and the next finds it again."""

    def sweep(self, title: str, key: str) -> None:
        """Clear away the work of a run that died when it had published already."""

    def reclaim(self, media: Path, title: str, entries: Iterable[str]) -> None:
        """Bring back what a run that died while it was publishing has moved out of `media`."""

    def publish(
        self,
        media: Path,
        title: Title,
        texts: Sequence[str],
        played: set[str],
        staged: Mapping[TitleFile, str],
    ) -> None:
        """First what is played, then `texts` in order; then drop what neither it nor `played` needs.

        `staged` says which files lie in the library already, and where.
        """


def library_at(place: str | Path) -> Library:
    """`place` is a folder or a URL."""
    folder = folder_of(str(place))
    return _Folder(folder) if folder else _Remote(str(place))


def entries(title: Title) -> set[str]:
    """What a title is made of, of what is published as a whole."""
    return {entry_of(file.path) for file in title.files}


class _Folder:
    def __init__(self, folder: Path) -> None:
        self.url = str(folder.resolve())
        self._folder = folder

    def name_of(self, title: str) -> str:
        return str(self._folder / title)

    def read(self, title: str, name: str) -> bytes | None:
        path = self._folder / title / name
        with reported(path):
            try:
                return path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def write(self, title: str, name: str, data: bytes) -> None:
        path = self._folder / title / name
        unfinished = path.with_name(f"{path.name}.unfinished")
        with reported(path):
            write_durably(unfinished, data)
            unfinished.replace(path)

    def is_whole(self, title: Title) -> bool:
        folder = self._folder / title.name
        try:
            return all((folder / file.path).stat().st_size == file.size_bytes for file in title.files)
        except OSError:
            return False

    def staging(self, title: str, key: str) -> AbstractContextManager[Path]:
        return staging(self._folder, title, key)

    def sweep(self, title: str, key: str) -> None:
        sweep(self._folder, title, key)

    def reclaim(self, media: Path, title: str, entries: Iterable[str]) -> None:
        reclaim(media, self._folder / title, entries)

    def publish(
        self,
        media: Path,
        title: Title,
        texts: Sequence[str],
        played: set[str],
        staged: Mapping[TitleFile, str],
    ) -> None:
        del staged  # they lie in `media` itself
        folder, made = self._folder / title.name, entries(title)
        publish(media, folder, sorted(made), texts)
        remove_unused(folder, made | played)
        for name in _MAY_BE_LEFT - set(texts):
            with reported(folder):
                (folder / name).unlink(missing_ok=True)


class _Remote:
    """The work is done in a folder of this machine; only what is finished goes to the URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._store = Store(url)

    def name_of(self, title: str) -> str:
        return f"{shown(self.url).rstrip('/')}/{title}"

    def read(self, title: str, name: str) -> bytes | None:
        return self._store.read(f"{title}/{name}")

    def write(self, title: str, name: str, data: bytes) -> None:
        self._store.put(f"{title}/{name}", data)

    def is_whole(self, title: Title) -> bool:
        sizes = self._store.sizes(title.name)
        return all(sizes.get(f"{title.name}/{file.path}") == file.size_bytes for file in title.files)

    @contextmanager
    def staging(self, title: str, key: str) -> Iterator[Path]:
        root = self._root()
        with staging(root, title, key) as staged:
            yield staged
        with suppress(OSError):
            root.rmdir()  # if it is empty

    def sweep(self, title: str, key: str) -> None:
        sweep(self._root(), title, key)

    def _root(self) -> Path:
        return _own_folder() / hashlib.sha256(self.url.encode()).hexdigest()[:16]

    def reclaim(self, media: Path, title: str, entries: Iterable[str]) -> None:
        """Nothing was moved: objects are copies."""

    def publish(
        self,
        media: Path,
        title: Title,
        texts: Sequence[str],
        played: set[str],
        staged: Mapping[TitleFile, str],
    ) -> None:
        side_by_side(
            partial(self._store.copy, staged[file], f"{title.name}/{file.path}")
            if file in staged
            else partial(self._store.put, f"{title.name}/{file.path}", media / file.path)
            for file in title.files
        )
        described = {file.path for file in title.files}
        for path in sorted(_files(media, entries(title)) - described):  # playlists
            self._store.put(f"{title.name}/{path}", media / path)
        for name in texts:
            self._store.put(f"{title.name}/{name}", media / name)
        self._tidy(title, played)
        self._store.delete(f"{title.name}/{name}" for name in _MAY_BE_LEFT - set(texts))

    def _tidy(self, title: Title, played: set[str]) -> None:
        used, start = entries(title) | played, len(title.name) + 1
        there = self._store.sizes(title.name)
        self._store.delete(path for path in there if may_go(entry_of(path[start:]), used))
        self._store.delete(self._store.sizes(f".staging/{title.name}"))


def _files(media: Path, entries: Iterable[str]) -> set[str]:
    found = (path for entry in entries for path in [media / entry, *(media / entry).rglob("*")])
    return {path.relative_to(media).as_posix() for path in found if path.is_file()}


def _own_folder() -> Path:
    """Of this user, for nobody else to read or to put something into."""
    folder = Path(tempfile.gettempdir()) / f"penstock-{os.getuid()}"
    with reported(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
    if facts.st_uid != os.getuid() or facts.st_mode & 0o077 or folder.is_symlink():
        raise LibraryError(f"{folder}: is open to others; remove it, or set TMPDIR to another place")
    return folder
