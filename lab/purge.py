"""`penstock purge`: ask an edge's admin plane to forget a URL."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any
from urllib.parse import urlsplit

import aiohttp
from typer import Argument, Option

from service.command import fail


def purge_command(
    urls: Annotated[list[str], Argument(metavar="URL...", help="As a viewer asks for it, or just its path.")],
    admin: Annotated[str, Option(metavar="HOST:PORT", help="The edge's admin plane.")],
    token: Annotated[str, Option(envvar="PENSTOCK_ADMIN_TOKEN", help="The edge's admin_token.")] = "",
    as_json: Annotated[bool, Option("--json", help="Write JSON.")] = False,
) -> None:
    """Forget URLs at an edge; exit code 0 only if the edge did so, whether or not it held them.

    Example: penstock purge /v/clip/1f3a9b2c4d5e/master.m3u8 --admin 127.0.0.1:9080 --token SECRET
    """
    try:
        answers = asyncio.run(_purge(urls, admin, token))
    except (aiohttp.ClientError, OSError) as error:
        raise fail("purge", f"no edge answers at {admin}: {error}", 1) from None
    for status, answer in answers:
        if as_json:
            print(json.dumps(answer))
        elif status == 200:
            print(f"{answer['url']}: {answer['purged']} purged")
        else:
            print(f"purge: {answer['detail']}")
    if any(status != 200 for status, _ in answers):
        raise fail("purge", "not everything was purged", 1)


async def _purge(urls: list[str], admin: str, token: str) -> list[tuple[int, dict[str, Any]]]:
    answers = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as client:
        for url in urls:
            parts = urlsplit(url)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            async with client.post(f"http://{admin}/purge", params={"url": target}) as answer:
                answers.append((answer.status, await answer.json(content_type=None)))
    return answers
