"""The index's files: `index.<n>`, a snapshot, and `journal.<n>`, what came and went after it.

A snapshot is taken without stopping anything: `journal.<n+1>` begins at the moment of which `index.<n+1>`
tells, and the older pair is deleted once the newer snapshot is whole. Until then both journals are read.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from errno import EIO, ENOSPC
from pathlib import Path

from edge.disk.layout import CorruptError
from edge.disk.records import Columns, Record, read_records, read_snapshot, record_bytes, snapshot_parts

_APPEND_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class Journal:
    """The journal that is being written. Its methods are called in one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.generation = 0
        self.records = 0
        self._size_bytes = 0
        self._descriptor: int | None = None

    def begin(self, generation: int) -> None:
        """Go on in a new file; what was written before stays in the older one."""
        descriptor = os.open(self._folder / f"journal.{generation}", _APPEND_FLAGS | os.O_TRUNC, 0o644)
        self.close()
        self._descriptor, self.generation = descriptor, generation
        self.records = self._size_bytes = 0

    def append(self, records: Sequence[Record]) -> None:
        """Raises OSError, and then nothing of it is in the journal."""
        data = b"".join([record_bytes(record, self.generation) for record in records])
        descriptor = self._open()
        try:
            if os.write(descriptor, data) != len(data):
                raise OSError(ENOSPC, "the journal took a part of a record only")
        except OSError:
            self._take_back(descriptor)
            raise
        self._size_bytes += len(data)
        self.records += len(records)

    def sync(self) -> None:
        os.fdatasync(self._open())

    def close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def _open(self) -> int:
        if self._descriptor is None:
            raise OSError(EIO, "the journal is closed, or was torn and begins anew when the disk has healed")
        return self._descriptor

    def _take_back(self, descriptor: int) -> None:
        """Cut off a part of a record: nothing that came after it could be read."""
        try:
            os.ftruncate(descriptor, self._size_bytes)
        except OSError:
            self.close()


def write_snapshot(folder: Path, generation: int, columns: Columns) -> None:
    """Make `index.<generation>` whole and lasting, then delete what is older."""
    passing = folder / "index.new"
    descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(snapshot_parts(columns))
        file.flush()
        os.fsync(descriptor)
    passing.replace(folder / f"index.{generation}")
    sync_folder(folder)
    for path in [*_numbered(folder, "index").items(), *_numbered(folder, "journal").items()]:
        if path[0] < generation:
            path[1].unlink(missing_ok=True)


def newest_snapshot(folder: Path) -> tuple[int, Columns] | None:
    """The newest snapshot that is whole."""
    for generation, path in sorted(_numbered(folder, "index").items(), reverse=True):
        try:
            return generation, read_snapshot(path.read_bytes())
        except CorruptError:
            continue
    return None


def journal_since(folder: Path, generation: int) -> list[Record]:
    """What came and went since that snapshot, oldest first."""
    journals = sorted(_numbered(folder, "journal").items())
    return [
        record
        for number, path in journals
        if number >= generation
        for record in read_records(path.read_bytes(), number)
    ]


def last_generation(folder: Path) -> int:
    return max([0, *_numbered(folder, "index"), *_numbered(folder, "journal")])


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _numbered(folder: Path, kind: str) -> dict[int, Path]:
    found = ((path.name.rpartition(".")[2], path) for path in folder.glob(f"{kind}.*"))
    return {int(number): path for number, path in found if number.isascii() and number.isdigit()}
