"""The workers of one edge, as one of them sees the others: each key has an owner, who alone asks upstream.

A worker that misses asks the owner over a Unix socket, in HTTP. So a cold key costs one upstream request and
one place on disk however many workers there are, and hot responses lie in the memory of each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from edge.config import EdgeConfig
from edge.fields import Fields
from edge.message import Head, Request
from edge.upstream.client import Arriving, Upstream, UpstreamError
from edge.upstream.link import OnInterim
from edge.upstream.rendezvous import ranked

PURGE = b"PURGE"  # between workers only: this key, or these groups, are not valid any more


@dataclass(frozen=True, slots=True)
class Post:
    """Which of the workers this process is, and where they meet."""

    index: int
    count: int
    folder: Path

    def socket(self, index: int) -> Path:
        """Where the worker serves the others."""
        return self.folder / f"worker-{index}.sock"

    def admin_socket(self, index: int) -> Path:
        """Where the worker serves the supervisor."""
        return self.folder / f"admin-{index}.sock"


@dataclass(frozen=True, slots=True)
class _Owner:
    label: str
    index: int
    weight: float = 1.0


class Team:
    """Fetches from whoever owns a key. Open for the length of an `async with`."""

    def __init__(self, config: EdgeConfig, post: Post, own: Upstream, clock: Callable[[], float]) -> None:
        self._post = post
        self._own = own
        self._owners = [_Owner(f"worker-{index}", index) for index in range(post.count)]
        self._others = {
            index: Upstream(replace(config, upstream=f"unix:{post.socket(index)}"), clock)
            for index in range(post.count)
            if index != post.index
        }
        self._links = AsyncExitStack()

    async def __aenter__(self) -> Team:
        for other in self._others.values():
            await self._links.enter_async_context(other)
        return self

    async def reconfigure(self, config: EdgeConfig) -> None:
        """Ask the others with the patience of `config`."""
        for index, other in self._others.items():
            await other.reconfigure(replace(config, upstream=f"unix:{self._post.socket(index)}"))

    async def __aexit__(self, *_: object) -> None:
        await self._links.aclose()

    def owns(self, key: bytes) -> bool:
        """This worker is the one that asks upstream for `key`, and has its place on disk."""
        return self._owner(key) == self._post.index

    def _owner(self, key: bytes) -> int:
        return ranked(key, self._owners)[0].index

    @asynccontextmanager
    async def send(
        self, request: Request, target: bytes, extra: Fields = (), *, on_interim: OnInterim | None = None
    ) -> AsyncIterator[Arriving]:
        """Ask the owner of the request's key; upstream itself if that is this worker, or does not answer.

        Raises UpstreamError.
        """
        other = self._others.get(self._owner(request.key))
        async with AsyncExitStack() as stack:
            if other is None:
                arriving = await stack.enter_async_context(
                    self._own.send(request, target, extra, on_interim=on_interim)
                )
            else:
                arriving = await self._ask(stack, other, request, target, extra, on_interim)
            yield arriving

    async def _ask(
        self,
        stack: AsyncExitStack,
        other: Upstream,
        request: Request,
        target: bytes,
        extra: Fields,
        on_interim: OnInterim | None,
    ) -> Arriving:
        try:
            arriving = await stack.enter_async_context(
                other.send(request, target, extra, on_interim=on_interim)
            )
        except UpstreamError:  # it died, and will be started again: nobody waits for that
            return await stack.enter_async_context(
                self._own.send(request, target, extra, on_interim=on_interim)
            )
        return Arriving(replace(arriving.head, is_from_worker=True), arriving.chunks)

    async def tell(self, keys: Iterable[bytes], groups: Iterable[bytes]) -> None:
        """Let the others forget what is invalid now. One that is down has forgotten everything."""
        members = b", ".join(
            b'"%s"' % group.replace(b"\\", b"\\\\").replace(b'"', b'\\"') for group in groups
        )
        for key in keys:
            fields = ((b"cache-groups", members),) if members else ()
            request = Request(PURGE, key, key, Head.of(fields, keep_alive=True))
            members = b""
            owner = self._owner(key)  # first: of it the others would take again what they have forgotten
            for index in sorted(self._others, key=lambda index: index != owner):
                await _tell_one(self._others[index], request)


async def _tell_one(other: Upstream, request: Request) -> None:
    try:
        async with other.send(request, request.target) as arriving:
            async for _ in arriving.chunks:
                pass
    except UpstreamError:
        return
