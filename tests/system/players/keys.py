"""A key server for players: keys for AES-128 (RFC 8216, 4.3.2.4), licences for ClearKey (W3C EME, 9.1)."""

from __future__ import annotations

import base64
from pathlib import Path

from aiohttp import web

from encoder.encryption.key_file import read_key_file


def key_routes(key_file: Path) -> list[web.RouteDef]:
    keys = {key.key_id: key.key for of_label in read_key_file(key_file).values() for key in of_label}

    async def key(request: web.Request) -> web.Response:
        return web.Response(body=keys[request.match_info["kid"]])

    async def licence(request: web.Request) -> web.Response:
        """What was asked for, and no other key."""
        wanted = [_bytes(kid).hex() for kid in (await request.json())["kids"]]
        found = [
            {"kty": "oct", "kid": _text(bytes.fromhex(key_id)), "k": _text(keys[key_id])} for key_id in wanted
        ]
        return web.json_response({"keys": found, "type": "temporary"})

    return [web.get("/key/{kid}", key), web.post("/license", licence)]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
