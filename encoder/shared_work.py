"""The work folder of one title, in a library that several machines reach: what WorkFolder is on one of them.

The layout is the same, so that on a disk that all share it is the same folder. Here too a step is done when
its record is there, which is put last.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from encoder.plan import Plan
from encoder.records import StepRecord, read_record, write_record
from encoder.staging import LibraryError
from encoder.steps import Step
from encoder.store import Store, open_store, side_by_side
from encoder.work import WorkFolder
from media.title import TitleFile


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedTitle:
    """A title whose work is shared, and where."""

    url: str  # of the library
    place: str  # of the work in it
    names: Mapping[str, str]  # the folder of each rendition in the title's
    plan: Plan
    input: Path
    input_sha256: str

    @property
    def work(self) -> SharedWork:
        return SharedWork(open_store(self.url), self.place, self.names, self.input_kind)

    @property
    def input_kind(self) -> str:
        """The end of its name, from which ffmpeg may tell its format."""
        return self.input.suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", self.input.suffix) else ""


def bring_done(title: SharedTitle, work: WorkFolder, steps: Sequence[Step]) -> None:
    """Bring here what a run on any machine has finished."""
    missing = [step for step in steps if not work.done(step)]
    for step, record in title.work.done(missing).items() if missing else ():
        with work.room() as room:
            title.work.bring(step, record, room)
            work.keep(step, record, room)


class SharedWork:
    """`place` is the path in the library; `names` gives each label its folder in the title's; `kind` is the
    end of the source's file name.
    """

    def __init__(self, store: Store, place: str, names: Mapping[str, str], kind: str = "") -> None:
        self._store = store
        self._names = names
        self._media = f"{place}/media"
        self._records = f"{place}/steps"
        self._source = f"{place}/source{kind}"

    def done(self, steps: Sequence[Step]) -> dict[Step, StepRecord]:
        """What the finished ones among `steps` have made, if all of it is there."""
        there = self._store.sizes(self._records)
        found: dict[Step, StepRecord] = {}

        def look(step: Step) -> None:
            if record := read_record(self._store.read(self._record(step)) or b""):
                found[step] = record

        side_by_side(partial(look, step) for step in steps if self._record(step) in there)
        sizes: dict[str, int] = {}
        for name in {self._names[step.label] for step in found}:
            sizes |= self._store.sizes(f"{self._media}/{name}")
        return {
            step: found[step]
            for step in steps
            if step in found
            and all(
                sizes.get(self._path(step, name)) == size_bytes
                for name, (size_bytes, _) in _files(found[step]).items()
            )
        }

    def files(self, steps: Sequence[Step]) -> dict[TitleFile, str]:
        """The paths in the library of what the finished ones among `steps` have made for the title."""
        return {
            TitleFile(
                path=f"{self._names[step.label]}/{name}", size_bytes=size_bytes, sha256=sha256
            ): self._path(step, name)
            for step, record in self.done(steps).items()
            for name, (size_bytes, sha256) in _files(record).items()
        }

    def keep(self, step: Step, record: StepRecord, made: Path) -> None:
        """Put the files of `made`; with the record the step is done."""
        side_by_side(partial(self._store.put, self._path(step, name), made / name) for name in _files(record))
        self._store.put(self._record(step), write_record(record).encode())

    def bring(self, step: Step, record: StepRecord, to: Path) -> None:
        """Fetch the files of a step into the folder `to`."""

        def one(name: str, sha256: str) -> None:
            if self._store.fetch(self._path(step, name), to / name) != sha256:
                raise LibraryError(f"{self._store.name}: {self._path(step, name)} is damaged; delete it")

        side_by_side(partial(one, name, sha256) for name, (_, sha256) in _files(record).items())

    def push_source(self, path: Path) -> None:
        """Once: whose content differs has another place."""
        if self._store.sizes(self._source).get(self._source) == path.stat().st_size:
            return
        if self._store.folder:
            with suppress(OSError):  # another disk, or one that knows no links
                os.link(path, self._store.folder / self._source)
                return
        self._store.put(self._source, path)

    def source_in_place(self) -> Path | None:
        """Where the source lies on this machine's file system, if the library is a folder."""
        return self._store.folder / self._source if self._store.folder else None

    def bring_source(self, to: Path, sha256: str, look: Callable[[], None]) -> None:
        unfinished = to.with_suffix(".unfinished")
        try:
            if self._store.fetch(self._source, unfinished, look) != sha256:
                raise LibraryError(f"{self._store.name}: {self._source} is damaged; delete it and run again")
            unfinished.replace(to)
        finally:
            unfinished.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Drop what obstore left of writes that were cut off, in a folder: each would be published."""
        if self._store.folder:
            for path in (self._store.folder / self._media).glob("*/*#*"):
                path.unlink(missing_ok=True)

    def _record(self, step: Step) -> str:
        return f"{self._records}/{step.name}.json"

    def _path(self, step: Step, name: str) -> str:
        return f"{self._media}/{self._names[step.label]}/{name}"


def _files(record: StepRecord) -> dict[str, tuple[int, str]]:
    """Size in bytes and checksum of what a step has made, by name."""
    files = {f"{each.number}.m4s": (each.size_bytes, each.sha256) for each in record.segments}
    return {"init.mp4": (record.init_size_bytes, record.init_sha256)} | files
