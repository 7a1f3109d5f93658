"""The work folder of one title: the steps that are done, with what they made, and room for those under way.

A step is done when its record is there, which is written last and by a rename: a crash at any moment leaves
steps that are done and steps that are not, and nothing between.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from encoder.records import StepRecord, read_record, write_record
from encoder.staging import reported, write_durably
from encoder.steps import Step


class WorkFolder:
    """`media` is laid out as the title will be; `names` gives each label its folder there."""

    def __init__(self, root: Path, names: Mapping[str, str]) -> None:
        self.root = root
        self.media = root / "media"
        self._names = names
        self._records = root / "steps"
        self._rooms = root / "rooms"
        with reported(root):
            shutil.rmtree(self._rooms, ignore_errors=True)  # of a run that died
            for folder in (self._rooms, self._records, *(self.media / name for name in names.values())):
                folder.mkdir(parents=True, exist_ok=True)

    def done(self, step: Step) -> StepRecord | None:
        """What a finished step has made, if all of it is still there."""
        with reported(self._record(step)):
            try:
                record = read_record(self._record(step).read_bytes())
            except FileNotFoundError:
                return None
        folder = self.media / self._names[step.label]
        sizes = {"init.mp4": record.init_size_bytes} if record else {}
        sizes |= {f"{each.number}.m4s": each.size_bytes for each in record.segments} if record else {}
        is_whole = all(_size(folder / name) == size_bytes for name, size_bytes in sizes.items())
        return record if record and is_whole else None

    @contextmanager
    def room(self) -> Iterator[Path]:
        """An empty folder of one's own, on the same file system, gone at the end."""
        with reported(self._rooms):
            room = Path(tempfile.mkdtemp(dir=self._rooms))
        try:
            yield room
        finally:
            shutil.rmtree(room, ignore_errors=True)

    def empty(self, name: str) -> Path:
        """The folder of that name, with nothing in it."""
        folder = self.root / name
        with reported(folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        return folder

    def keep(self, step: Step, record: StepRecord, made: Path) -> None:
        """Take over the files of `made`; with this the step is done."""
        folder = self.media / self._names[step.label]
        with reported(folder):
            for path in made.iterdir():
                path.replace(folder / path.name)
            unfinished = self._record(step).with_suffix(".unfinished")
            write_durably(unfinished, write_record(record).encode())
            unfinished.replace(self._record(step))

    def _record(self, step: Step) -> Path:
        return self._records / f"{step.name}.json"


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
