"""A library that several machines reach, by URL or as a folder: its objects. The door to obstore.

Credentials come from the environment, as obstore reads them, and go into no message.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore, from_url

from encoder.staging import LibraryError, reported

if TYPE_CHECKING:
    from obstore.store import RetryConfig

_PIECE_BYTES = 16 * 2**20
_MOST_PIECES = 9_000  # of one object; S3 takes 10 000
_SIDE_BY_SIDE = 8  # transfers
_MEDIA_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".mp4": "video/mp4",
    # Not video/iso.segment, the registered type of a lone segment: some players refuse it.
    ".m4s": "video/mp4",
    ".json": "application/json",
    ".vtt": "text/vtt",
    ".jpg": "image/jpeg",
}


class Store:
    """Objects by their path below the library's URL; raises LibraryError."""

    def __init__(self, url: str) -> None:
        self.name = shown(url)
        self.folder = folder_of(url)  # None: not on this machine's file system
        if self.name != url:
            raise LibraryError(f"{self.name}: no secrets or queries in the URL; set them in the environment")
        if self.folder and not self.folder.is_dir():
            raise LibraryError(f"{self.folder}: no such folder on this machine; all need it at one place")
        with self._reported():
            self._store: ObjectStore = LocalStore(prefix=self.folder) if self.folder else _reached(url)

    def read(self, path: str) -> bytes | None:
        """None: it is not there."""
        with self._reported(), suppress(FileNotFoundError):
            return bytes(obstore.get(self._store, path).bytes())
        return None

    def sizes(self, below: str = "") -> dict[str, int]:
        """The objects in a folder, by path, in bytes."""
        with self._reported():
            pages = obstore.list(self._store, below or None)
            return {entry["path"]: entry["size"] for page in pages for entry in page}

    def put(self, path: str, content: bytes | Path) -> None:
        """Whole or not at all."""
        with reported(Path(path)):
            size_bytes = len(content) if isinstance(content, bytes) else content.stat().st_size
        kind = None if self.folder else _MEDIA_TYPES.get(Path(path).suffix)
        piece_bytes = max(_PIECE_BYTES, size_bytes // _MOST_PIECES)
        with self._reported():
            attributes = {"Content-Type": kind} if kind else None
            obstore.put(self._store, path, content, attributes=attributes, chunk_size=piece_bytes)

    def fetch(self, path: str, to: Path, look: Callable[[], None] = lambda: None) -> str:
        """Write the object to `to`; returns its SHA-256. `look` is called between pieces, and may raise."""
        digest = hashlib.sha256()
        with self._reported(missing=path):
            size_bytes = obstore.head(self._store, path)["size"]
            with reported(to):
                file = to.open("wb")
            with file:
                for start in range(0, size_bytes, _PIECE_BYTES):
                    look()
                    length = min(_PIECE_BYTES, size_bytes - start)
                    piece = obstore.get_range(self._store, path, start=start, length=length)
                    digest.update(piece)
                    with reported(to):
                        file.write(piece)
        return digest.hexdigest()

    def copy(self, path: str, to: str) -> None:
        """Without a way over this machine."""
        with self._reported(missing=path):
            obstore.copy(self._store, path, to)

    def delete(self, paths: Iterable[str]) -> None:
        """What is not there any more is no error."""
        with self._reported():
            if self.folder:
                for path in paths:
                    (self.folder / path).unlink(missing_ok=True)
            else:
                obstore.delete(self._store, [*paths])

    @contextmanager
    def _reported(self, missing: str = "") -> Iterator[None]:
        """What the store refuses as one line; its own words may hold secrets of the request, or be pages."""
        try:
            yield
        except PermissionDeniedError:
            raise LibraryError(
                f"{self.name}: these credentials may not do this; ask for the right to"
            ) from None
        except UnauthenticatedError:
            raise LibraryError(f"{self.name}: no valid credentials; set them in the environment") from None
        except FileNotFoundError:
            what = f"{missing} is not there" if missing else "no such place; create it"
            raise LibraryError(f"{self.name}: {what}") from None
        except (BaseError, OSError, NotImplementedError, ValueError) as error:
            raise LibraryError(f"{self.name}: {reason(error)}") from None


@cache
def open_store(url: str) -> Store:
    """One for all threads of a process: it keeps connections."""
    return Store(url)


def side_by_side(jobs: Iterable[Callable[[], None]]) -> None:
    """Transfers wait more than they work; raises what went wrong first."""
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _reached(url: str) -> ObjectStore:
    retries: RetryConfig = {"max_retries": 8, "retry_timeout": timedelta(seconds=60)}
    return from_url(url, retry_config=retries)


def folder_of(library: str) -> Path | None:
    """The folder that a library's URL or path means; None: it lies elsewhere."""
    if "://" not in library:
        return Path(library)
    parts = urlsplit(library)
    if parts.scheme == "memory":
        raise LibraryError(f"{library}: would be gone with this process; name a folder or a bucket")
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def shown(url: str) -> str:
    """Without what may be secret."""
    return re.sub(r"(?<=://)[^/@\s]*@|[?#]\S*", "", url) if "://" in url else url


def reason(error: Exception) -> str:
    """What went wrong, without the server's page and what may be secret."""
    line = str(error).partition("\n")[0].partition("<")[0]
    return re.sub(r"(?<=://)[^/@\s]*@|[?#]\S*", "", line).strip(" :-") or type(error).__name__
