"""Where a player asks for what: the edges that serve its stream, and one object's address through each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yarl import URL

from media.timeline import ByteRange
from player_sim.schedule import PlayError


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object to fetch; all or, with `byte_range`, a part."""

    url: URL
    byte_range: ByteRange | None = None
    size_bytes: int | None = None  # as the manifest has it

    @property
    def expected_bytes(self) -> int | None:
        if self.byte_range is not None:
            return self.byte_range[1] - self.byte_range[0] + 1
        return self.size_bytes

    @property
    def expected_status(self) -> int:
        return 200 if self.byte_range is None else 206


def wanted(uri: str, byte_range: ByteRange | None = None, size_bytes: int | None = None) -> Wanted:
    """Raises PlayError unless `uri` is an absolute http(s) address."""
    try:
        # As it was written: a signature over the query would not survive another spelling.
        url = URL(uri, encoded=uri.isascii() and " " not in uri)
        is_http = url.scheme in ("http", "https") and bool(url.host) and url.port is not None
    except ValueError as error:
        raise PlayError(f"{uri}: not an address: {error}") from None
    if not is_http:
        raise PlayError(f"{uri}: not an http or https address")
    return Wanted(url, byte_range, size_bytes)


class Edges:
    """The edges of one stream, of which one is in use."""

    def __init__(self, urls: Sequence[str]) -> None:
        """`urls` name the same manifest at each edge. Raises PlayError when they do not."""
        parsed = [wanted(url).url for url in urls]
        for url in parsed:
            if url.path != parsed[0].path:
                raise PlayError(f"{url}: another path than {parsed[0]}; name one stream at each edge")
        self._origins = [url.origin() for url in parsed]
        self._current = 0

    @property
    def in_use(self) -> URL:
        """Its scheme, host and port."""
        return self._origins[self._current]

    def move_on_from(self, failed: URL) -> None:
        """Use the next edge, unless another download has moved on from `failed` already."""
        if self.in_use == failed:
            self._current = (self._current + 1) % len(self._origins)

    def via(self, url: URL) -> URL:
        """The same object through the edge in use; what none of the edges serves stays where it is."""
        return self.in_use.join(url.relative()) if url.origin() in self._origins else url
