"""The clerk: the one thread that gives files their names, deletes them, and writes that down.

It works in the order in which the loop decided, so the journal tells what the index went through. A record
comes before its deed: what a kill leaves undone, the next start sees in the journal and finishes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from edge.disk.address import Address
from edge.disk.files import rewrite_head
from edge.disk.journal import Journal
from edge.disk.records import Change, Record
from edge.message import ResponseHead


class Clerk:
    """Every method is called in the clerk's thread and may raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.journal = Journal(folder)
        self._undone: set[Address] = set()  # should be deleted, and could not be

    def commit(self, passing: str, address: Address, pages: int, *, is_stale: bool) -> None:
        """Give a finished file its name."""
        target = f"{self._folder}/{address.path}"
        try:
            came = [Record(Change.CAME, address, pages)]
            self.journal.append([*came, Record(Change.STALED, address)] if is_stale else came)
            try:
                os.rename(passing, target)  # noqa: PTH104 - a Path costs more than the call
            except FileNotFoundError:
                Path(target).parent.mkdir(exist_ok=True)
                Path(passing).replace(target)
        except OSError:
            with suppress(OSError):
                Path(passing).unlink()
            with suppress(OSError):
                self.remove([address])
            raise
        self._undone.discard(address)

    def remove(self, addresses: Sequence[Address]) -> None:
        """Delete files. All are tried; what fails is tried again when the disk has healed."""
        failure: OSError | None = None
        try:
            self.journal.append([Record(Change.WENT, address) for address in addresses])
        except OSError as error:
            failure = error
        for address in addresses:
            try:
                os.unlink(f"{self._folder}/{address.path}")  # noqa: PTH108
            except FileNotFoundError:
                pass
            except OSError as error:
                self._undone.add(address)
                failure = error
        if failure is not None:
            raise failure

    def rewrite(
        self, address: Address, key: bytes, head: ResponseHead, *, is_durable: bool, was_stale: bool
    ) -> None:
        rewrite_head(f"{self._folder}/{address.path}", key, head, is_durable=is_durable)
        if was_stale:
            self.journal.append([Record(Change.RENEWED, address)])

    def expire(self, addresses: Sequence[Address]) -> None:
        """Write down that they are stale, whatever their heads say."""
        self.journal.append([Record(Change.STALED, address) for address in addresses])

    def sync(self) -> None:
        """Let what was purged so far stay purged, whatever happens to the machine."""
        self.journal.sync()
        if self._undone:
            raise OSError(f"{self._folder}: {len(self._undone)} files could not be deleted")

    def finish_undone(self) -> None:
        """Delete what could not be deleted before."""
        undone, self._undone = list(self._undone), set()
        if undone:
            self.remove(undone)
