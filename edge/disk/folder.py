"""The tier's folder: claimed by one process, and its inventory taken when that process begins.

How the inventory is taken depends on how the last process ended:

- cleanly: there is no `running` file, and the last snapshot is the whole truth;
- killed: `running` names this boot of the machine. Nothing written is lost, so snapshot and journal tell all;
  the files that the journal names are looked at, since death may have come between a record and its deed;
- with the machine (power loss): `running` names another boot. Folders are scanned for what is really there;
  what the journal says was purged is deleted again; a torn file fails its checks when it is first opened.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from stat import ST_MTIME

from edge.disk.address import Address, address_in
from edge.disk.journal import journal_since, last_generation, newest_snapshot
from edge.disk.layout import VERSION, pages_of
from edge.disk.records import NOTHING, Change, Columns, Held, Record, oldest_first, stale_digests

_FORMAT = "penstock disk tier, format"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MAY_BE_THERE = {"tmp", "lost+found"}  # in a folder that is to become a tier


class DiskError(OSError):
    """The folder cannot be a disk tier; the message names it and the way out."""


@dataclass(slots=True)
class Inventory:
    """What a folder holds, oldest first, and how that was found out: new, snapshot, journal or scan."""

    how: str
    generation: int
    held: Iterator[Held]
    strays: int = 0  # files that are none of ours


class Folder:
    """Claims `path` until `release`. All methods block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    def claim(self) -> None:
        """Raises DiskError with one clear line where this process may not or cannot use the folder."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._check_format()
            self._take_lock()
            (self.path / "tmp").mkdir(exist_ok=True)
            for path in (self.path / "tmp").iterdir():  # of flights that did not land
                path.unlink()
        except OSError as error:
            self.release()
            raise self.unusable(error) from None

    def unusable(self, error: OSError) -> DiskError:
        """One line for the operator."""
        if isinstance(error, DiskError):
            return error
        why = error.strerror or error
        return DiskError(f"{self.path}: {why}; the disk tier needs a folder that it can write to")

    def release(self) -> None:
        if self._lock is not None:
            descriptor, self._lock = self._lock, None
            os.close(descriptor)

    def take_inventory(self) -> Inventory:
        boot = self._boot_of_last()
        snapshot = newest_snapshot(self.path)
        generation = last_generation(self.path)
        if boot is None and snapshot is None and generation == 0 and not any(self._shards()):
            return Inventory("new", 0, iter(()))
        if snapshot is None or boot not in (None, boot_id()):
            inventory = Inventory("scan", generation, iter(()))
            inventory.held = self._scan(inventory, snapshot)
            return inventory
        records = journal_since(self.path, snapshot[0])
        if boot is None and not records:
            return Inventory("snapshot", generation, oldest_first(snapshot[1]))
        inventory = Inventory("journal", generation, iter(()))
        inventory.held = self._replay(oldest_first(snapshot[1]), records)
        return inventory

    def begin(self) -> None:
        """From now on a process that dies is one that was running."""
        descriptor = os.open(
            self.path / "running", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644
        )
        try:
            os.write(descriptor, boot_id().encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def mend(self) -> None:
        """After a failure: whatever became of the folder, make it a tier's again."""
        (self.path / "tmp").mkdir(parents=True, exist_ok=True)
        if not (self.path / "format").exists():
            self._write_format()
        self.begin()

    def end(self) -> None:
        """All is written down: the next start may believe the snapshot."""
        (self.path / "running").unlink(missing_ok=True)

    def _check_format(self) -> None:
        path = self.path / "format"
        try:
            text = path.read_text("utf-8", "replace").strip()
        except FileNotFoundError:
            if {path.name for path in self.path.iterdir()} - _MAY_BE_THERE:
                raise self._is_not_ours() from None
            self._write_format()
            return
        name, _, version = text.rpartition(" ")
        if name != _FORMAT:
            raise self._is_not_ours()
        if version != str(VERSION):
            raise DiskError(
                f"{self.path}: is of format {version}, this version writes {VERSION}; "
                "empty the folder or name another"
            )

    def _write_format(self) -> None:
        passing = self.path / "tmp"
        passing.mkdir(exist_ok=True)
        (passing / "format").write_text(f"{_FORMAT} {VERSION}\n")
        (passing / "format").replace(self.path / "format")

    def _is_not_ours(self) -> DiskError:
        return DiskError(f"{self.path}: holds other files; give the disk tier a folder of its own")

    def _take_lock(self) -> None:
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise DiskError(
                f"{self.path}: process {owner} is using it; give each edge a folder of its own"
            ) from None
        self._lock = descriptor
        with suppress(OSError):  # the disk may be full; the lock holds without a name
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)

    def _boot_of_last(self) -> str | None:
        """The boot under which the last process died; None if it ended cleanly."""
        try:
            return (self.path / "running").read_text("ascii", "replace").strip()
        except FileNotFoundError:
            return None

    def _shards(self) -> Iterator[str]:
        return (name for name in map("{:02x}".format, range(256)) if (self.path / name).is_dir())

    def _replay(self, before: Iterator[Held], records: list[Record]) -> Iterator[Held]:
        """The snapshot, less what the journal speaks of, and then that, as it is on the disk."""
        last: dict[int, Record] = {}
        for record in records:
            last.pop(record.address.digest, None)
            last[record.address.digest] = record
        for held in before:
            if held.address.digest not in last:
                yield held
        for record in last.values():
            if record.change is Change.WENT:
                self._delete(record.address)
                continue
            with suppress(OSError):
                size_bytes = (self.path / record.address.path).lstat().st_size
                yield Held(record.address, pages_of(size_bytes), record.change is Change.STALED)

    def _scan(self, inventory: Inventory, snapshot: tuple[int, Columns] | None) -> Iterator[Held]:
        """All files by their names and sizes, in the order of their last writing."""
        generation, columns = snapshot or (0, NOTHING)
        stale = stale_digests(columns, journal_since(self.path, generation))
        last = {record.address.digest: record.change for record in journal_since(self.path, 0)}
        gone = {digest for digest, change in last.items() if change is Change.WENT}
        digests, pages, when = array("Q"), array("I"), array("Q")
        families: dict[int, int] = {}
        for folder in self._shards():
            with os.scandir(self.path / folder) as entries:
                for entry in entries:
                    address = address_in(folder, entry.name)
                    if address is None or not entry.is_file(follow_symlinks=False):
                        inventory.strays += 1
                        continue
                    digest, family = address
                    if digest in gone:
                        self._delete(address)
                        continue
                    facts = entry.stat(follow_symlinks=False)
                    when.append((int(facts[ST_MTIME]) << 32) + len(digests))
                    digests.append(digest)
                    pages.append(pages_of(facts.st_size))
                    if family:
                        families[digest] = family
        for number in (each & 0xFFFFFFFF for each in sorted(when)):
            digest = digests[number]
            yield Held(Address(digest, families.get(digest, 0)), pages[number], digest in stale)

    def _delete(self, address: Address) -> None:
        (self.path / address.path).unlink(missing_ok=True)


def boot_id() -> str:
    """Names this boot of the machine; where the system does not say, something that equals no other."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return f"? {os.getpid()}"
