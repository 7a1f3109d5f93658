"""Bodies from files: read off the loop, in pieces, so that memory stays bounded however large the file is.

uvloop has no sendfile for a transport; the reads are from the page cache as a rule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import BinaryIO

from aiohttp import web

_PIECE_BYTES = 256 * 2**10
SENT_BYTES = web.RequestKey("sent_bytes", int)  # of a body sent in pieces


async def send_file(
    request: web.Request,
    open_file: Callable[[], BinaryIO],
    first: int,
    length: int,
    status: int,
    headers: Mapping[str, str],
) -> web.StreamResponse:
    """Answer with `length` bytes from byte `first` on. Raises OSError if the file cannot give the first."""
    file, piece = await asyncio.to_thread(_open_at, open_file, first, min(length, _PIECE_BYTES))
    with file:
        if len(piece) == length:
            return web.Response(body=piece, status=status, headers=headers)
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = length
        await response.prepare(request)
        request[SENT_BYTES] = 0
        try:
            await _send_pieces(request, response, file, piece, length)
        except (
            OSError
        ):  # the viewer has left, or the file fails or was cut short: the body must not end cleanly
            if request.transport is not None:
                request.transport.abort()
        return response


async def _send_pieces(
    request: web.Request, response: web.StreamResponse, file: BinaryIO, piece: bytes, length: int
) -> None:
    while piece:
        await response.write(piece)
        request[SENT_BYTES] += len(piece)
        length -= len(piece)
        piece = await asyncio.to_thread(file.read, min(length, _PIECE_BYTES)) if length else b""
    if length:
        raise OSError("the file was cut short")


def _open_at(open_file: Callable[[], BinaryIO], first: int, length: int) -> tuple[BinaryIO, bytes]:
    file = open_file()
    try:
        file.seek(first)
        piece = file.read(length)
        if not piece and length:
            raise OSError(f"the file ends before byte {first}")
    except BaseException:
        file.close()
        raise
    return file, piece
