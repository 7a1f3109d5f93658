"""The origin of the herds: a process of its own that answers by script and keeps account of all it was asked.

    python -m benchmarks.herd_origin PORT [silent]

The first step of a path names the script, the rest is free: `/slow-body/3`. `/_asked/PREFIX` tells how often
what begins so was asked for, when its first byte was first sent, and how many bytes of it went out. A silent
origin takes every request and answers none.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

from service.run import run

MIB = 2**20
BODY = random.Random(7).randbytes(32 * MIB)
_YEAR = "public, max-age=31536000"


@dataclass(frozen=True, slots=True)
class Script:
    """How one resource is sent."""

    control: str = _YEAR
    size_bytes: int = MIB
    parts: int = 8
    pause_s: float = 0.4  # between two parts
    head_after_s: float = 0.0
    cut_after: int | None = None  # parts, then the connection breaks; an answer by range is not cut
    has_etag: bool = True


SCRIPTS = {
    "slow-body": Script(),
    "held-body": Script(head_after_s=0.5),  # the whole herd has asked by then
    "slow-head": Script(head_after_s=1.0, parts=1),
    "private": Script("no-store", 1024, parts=1, head_after_s=0.5),
    "expiring": Script("max-age=1", 64 * 1024, parts=1),
    "swr": Script("max-age=1, stale-while-revalidate=60", 64 * 1024, parts=1),
    "must": Script("max-age=1, must-revalidate", 64 * 1024, parts=1),
    "sie": Script("max-age=1, stale-if-error=60", 64 * 1024, parts=1),
    "cut": Script(parts=4, pause_s=0.1, head_after_s=0.1, cut_after=2, has_etag=False),
    "cut-tagged": Script(parts=4, pause_s=0.1, head_after_s=0.1, cut_after=2),
    "quick": Script(size_bytes=64 * 1024, parts=1),
    "large": Script(size_bytes=32 * MIB, parts=1, head_after_s=0.5),
}
_VALIDATION_S = 1.0  # before a 304


@dataclass(slots=True)
class Account:
    """What was asked for and sent."""

    requests: int = 0
    validations: int = 0
    ranges: int = 0
    first_byte_s: float = 0.0  # wall-clock time
    sent_bytes: int = 0


class Origin:
    """Serves the scripts."""

    def __init__(self, *, is_silent: bool) -> None:
        self._is_silent = is_silent
        self._accounts: dict[str, Account] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answer(reader, writer):
                pass
        writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; True if the connection goes on."""
        start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = start.split(" ")[1]
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if path.startswith("/_asked/"):
            writer.write(self._account_of(path.removeprefix("/_asked")))
            return True
        script = SCRIPTS[path.split("/")[1]]
        account = self._accounts.setdefault(path, Account())
        account.requests += 1
        if self._is_silent:
            await reader.read()
            return False
        if "if-none-match" in fields:
            account.validations += 1
            await asyncio.sleep(_VALIDATION_S)
            account.first_byte_s = time.time()
            writer.write(_head("304 Not Modified", None, script.control, 'ETag: "1"'))
            return True
        return await self._send(script, fields.get("range"), account, writer)

    def _account_of(self, prefix: str) -> bytes:
        total = Account()
        for account in (account for path, account in self._accounts.items() if path.startswith(prefix)):
            total.requests += account.requests
            total.validations += account.validations
            total.ranges += account.ranges
            total.sent_bytes += account.sent_bytes
            total.first_byte_s = total.first_byte_s or account.first_byte_s
        body = json.dumps(asdict(total)).encode()
        return _head("200 OK", len(body), "no-store") + body

    async def _send(
        self, script: Script, wanted: str | None, account: Account, writer: asyncio.StreamWriter
    ) -> bool:
        first, last, more = 0, script.size_bytes - 1, ['ETag: "1"'] if script.has_etag else []
        status, cut_after = "200 OK", script.cut_after
        if wanted is not None:
            account.ranges += 1
            first_text, _, last_text = wanted.removeprefix("bytes=").partition("-")
            first, last = int(first_text), min(last, int(last_text or last))
            more.append(f"Content-Range: bytes {first}-{last}/{script.size_bytes}")
            status, cut_after = "206 Partial Content", None
        await asyncio.sleep(script.head_after_s)
        account.first_byte_s = account.first_byte_s or time.time()
        head = _head(status, last + 1 - first, script.control, *more)
        size_bytes = -(-(last + 1 - first) // script.parts)
        for number in range(script.parts):
            if number:
                await asyncio.sleep(script.pause_s)
            if number == cut_after:
                return False
            begin = first + number * size_bytes
            part = BODY[begin : min(begin + size_bytes, last + 1)]
            writer.write(head + part)
            head = b""
            await writer.drain()
            account.sent_bytes += len(part)
        return True


def _head(status: str, size_bytes: int | None, control: str, *more: str) -> bytes:
    length = [] if size_bytes is None else [f"Content-Length: {size_bytes}"]
    lines = [f"HTTP/1.1 {status}", "Content-Type: video/mp4", f"Cache-Control: {control}", *length, *more]
    return "\r\n".join([*lines, "", ""]).encode()


async def _serve(stop: asyncio.Event) -> None:
    origin = Origin(is_silent="silent" in sys.argv[2:])
    server = await asyncio.start_server(origin.serve, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    run(_serve)
