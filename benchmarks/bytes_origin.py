"""An origin for benchmarks: `/bytes/N` answers with N bytes that may be cached for a year."""

from __future__ import annotations

import sys

from aiohttp import web

_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Type": "video/mp4",
    "Last-Modified": "Fri, 20 Nov 2026 12:00:00 GMT",
    "Access-Control-Allow-Origin": "*",
    "Timing-Allow-Origin": "*",
}


async def _bytes(request: web.Request) -> web.Response:
    size_bytes = int(request.match_info["size"])
    headers = _HEADERS | {"ETag": f'"{size_bytes}"'}
    return web.Response(body=b"\x55" * size_bytes, headers=headers)


if __name__ == "__main__":
    app = web.Application()
    app.router.add_get("/bytes/{size:[0-9]+}", _bytes)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
