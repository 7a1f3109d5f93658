"""Reading what a validation wants: files below one folder, and http(s) URLs, several at once, bounded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiohttp

from media.facts.model import Got, Want

_AT_ONCE = 8
_MOST_SKIPPED_BYTES = 64 * 2**20  # before a range, from a server that knows no ranges
_TOTAL = re.compile(r"bytes (?:\d+-\d+|\*)/(\d+)", re.ASCII)


class Reader:
    """Reads for one stream. `root` is the folder that local addresses must lie in; None: there are none."""

    def __init__(self, client: aiohttp.ClientSession, root: Path | None = None) -> None:
        self._client = client
        self._root = root.resolve() if root else None
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self.read_bytes = 0

    async def read_all(self, wants: Sequence[Want]) -> list[Got]:
        """The answers in the order of the wants."""
        return list(await asyncio.gather(*[self.read(want) for want in wants]))

    async def read(self, want: Want) -> Got:
        """One answer; whatever prevents it is its `problem`."""
        async with self._slots:
            got = await self._read(want)
        self.read_bytes += len(got.data)
        return got

    async def _read(self, want: Want) -> Got:
        try:
            scheme = urlsplit(want.uri).scheme
        except ValueError as error:
            return Got(problem=f"no address: {error}")
        if scheme == "file":
            return await asyncio.to_thread(self._from_disk, want)
        if scheme in ("http", "https"):
            return await self._from_web(want)
        return Got(problem=f"{scheme or 'no scheme'}: only files and http(s) are read")

    def _from_disk(self, want: Want) -> Got:
        path = Path(unquote(urlsplit(want.uri).path))
        try:
            if self._root is None or not path.resolve().is_relative_to(self._root):
                return Got(problem="lies outside the folder that is validated")
            with path.open("rb") as file:
                size_bytes = path.stat().st_size
                file.seek(want.first)
                return Got(file.read(-1 if want.length is None else want.length), size_bytes)
        except (OSError, ValueError) as error:
            return Got(problem=getattr(error, "strerror", None) or str(error))

    async def _from_web(self, want: Want) -> Got:
        fields = {"Accept-Encoding": "identity"}
        if want.first or want.length is not None:
            last = "" if want.length is None else str(want.first + max(1, want.length) - 1)
            fields["Range"] = f"bytes={want.first}-{last}"
        try:
            async with self._client.get(want.uri, headers=fields) as response:
                return await _taken(want, response)
        except TimeoutError:
            return Got(problem="no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Got(problem=" ".join(str(error).split()) or type(error).__name__)


async def _taken(want: Want, response: aiohttp.ClientResponse) -> Got:
    """No more of the body than is wanted."""
    total = _TOTAL.fullmatch(response.headers.get("Content-Range", ""))
    if response.status == 416 and total and int(total[1]) <= want.first:
        return (
            Got(size_bytes=int(total[1])) if not want.first else Got(problem=f"ends after {total[1]} bytes")
        )
    if response.status not in (200, 206):
        return Got(problem=f"{response.status} {response.reason or ''}".strip())
    skipped = want.first if response.status == 200 else 0
    if skipped > _MOST_SKIPPED_BYTES:
        return Got(problem="the server answers no ranges")
    size_bytes = int(total[1]) if total else response.content_length if response.status == 200 else None
    data = bytearray()
    limit = None if want.length is None else skipped + want.length
    is_ended = True
    async for chunk in response.content.iter_chunked(2**16):
        data += chunk
        if limit is not None and len(data) > limit:
            is_ended = False
            break
    if size_bytes is None and is_ended:
        size_bytes = len(data) if response.status == 200 else want.first + len(data)
    return Got(bytes(data[skipped:limit]), size_bytes)
