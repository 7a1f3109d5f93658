"""The library on disk: which titles are published, in which version, and their files.

Functions that look at the disk block; the server calls them in a thread. `version` does not, and serves the
many: a version never changes, so whoever plays one goes on with it when the next is published.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from structlog.typing import FilteringBoundLogger

from media.manifest import ManifestError
from media.title import TitleError, is_title_name, read_title
from origin.published import Published, publish

_KEPT_VERSIONS = 4  # of each title, the newest ones
Signature = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A title.json as it was last looked at; a broken one leaves what was published before."""

    signature: Signature
    published: Published | None


class Catalog:
    """The titles below one folder."""

    def __init__(self, library: Path, logger: FilteringBoundLogger) -> None:
        self._root = library.resolve()
        self._logger = logger
        self._seen: dict[str, _Seen] = {}
        self._versions: dict[str, dict[str, Published]] = {}

    def version(self, name: str, version: str) -> Published | None:
        """A version that `current` has come across."""
        return self._versions.get(name, {}).get(version)

    def current(self, name: str) -> Published | None:
        """The title as it is published now; its title.json is read if it is not the one seen before."""
        if not is_title_name(name):
            return None
        path = self._root / name / "title.json"
        try:
            signature = _signature(path.stat())
            seen = self._seen.get(name)
            if seen is None or seen.signature != signature:
                seen = self._seen[name] = _Seen(signature, self._read(name, seen))
        except OSError:  # unpublished, or never there
            self._seen.pop(name, None)
            self._versions.pop(name, None)
            return None
        return seen.published

    def all(self) -> list[Published]:
        """Every title as it is published now, by name. Raises OSError if the library cannot be listed."""
        found = (self.current(entry.name) for entry in sorted(self._root.iterdir()))
        return [published for published in found if published is not None]

    def open(self, name: str, path: str, size_bytes: int | None = None) -> BinaryIO:
        """Open a file of a title. Raises FileNotFoundError also for a link that leads out of the library,
        OSError for a file that has not the size given: its checksum would name other bytes.
        """
        real = (self._root / name / path).resolve(strict=True)
        if not real.is_relative_to(self._root):
            raise FileNotFoundError(f"{name}/{path} leads out of the library")
        if size_bytes is not None and real.stat().st_size != size_bytes:
            raise OSError(f"{real} has {real.stat().st_size} bytes, title.json says {size_bytes}")
        return real.open("rb")

    def _read(self, name: str, seen: _Seen | None) -> Published | None:
        try:
            with self.open(name, "title.json") as file:
                modified_s = int(os.fstat(file.fileno()).st_mtime)
                title = read_title(file.read())
            if title.name != name:
                raise TitleError(f"title.json: name {title.name!r} stands in the folder {name!r}")
            published = publish(title, modified_s)
        except (TitleError, ManifestError) as error:
            self._logger.error("broken_title", title=name, reason=str(error))
            return seen.published if seen else None
        versions = self._versions.setdefault(name, {})
        versions.pop(title.version, None)
        versions[title.version] = published
        for old in list(versions)[:-_KEPT_VERSIONS]:
            del versions[old]
        self._logger.info("published", title=name, version=title.version)
        return published


def _signature(status: os.stat_result) -> Signature:
    """A rename changes the inode, a rewrite the time or the size."""
    return status.st_ino, status.st_mtime_ns, status.st_size
