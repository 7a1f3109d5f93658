"""`penstock purge`: ask an edge's admin plane to forget URLs, prefixes, groups, or all that a file names."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from typer import Argument, Option

from service.command import fail

_POLL_S = 0.2
_PATIENCE = aiohttp.ClientTimeout(total=None, sock_read=120.0)

Answer = dict[str, Any]


class _Refused(Exception):  # noqa: N818
    """The edge did not take the batch; the message is its own."""


def purge_command(
    urls: Annotated[
        list[str] | None, Argument(metavar="URL...", help="As a viewer asks for it, or just its path.")
    ] = None,
    admin: Annotated[str, Option(metavar="HOST:PORT", help="The edge's admin plane.")] = "127.0.0.1:8081",
    token: Annotated[str, Option(envvar="PENSTOCK_ADMIN_TOKEN", help="The edge's admin_token.")] = "",
    prefix: Annotated[list[str] | None, Option(help="All that begins so, such as /v/clip/.")] = None,
    group: Annotated[list[str] | None, Option(help="All in a Cache-Groups or Surrogate-Key group.")] = None,
    soft: Annotated[bool, Option("--soft", help="Stale from now on, instead of gone.")] = False,
    file: Annotated[
        Path | None, Option(help="A batch, done as a job: a JSON array, or a URL or JSON object a line.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Write JSON.")] = False,
) -> None:
    """Forget URLs at an edge; exit code 0 only if the edge did so, whether or not it held them.

    Example: penstock purge /v/clip/1f3a9b2c4d5e/master.m3u8 --admin 127.0.0.1:9080 --token SECRET
    """
    wishes = [("url", url) for url in urls or ()]
    wishes += [("prefix", each) for each in prefix or ()]
    wishes += [("group", each) for each in group or ()]
    if not wishes and file is None:
        raise fail("purge", "name what to purge: URLs, --prefix, --group or --file")
    try:
        answers = asyncio.run(_purge(wishes, file, admin, token, soft=soft))
    except _Refused as error:
        raise fail("purge", error, 1) from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise fail("purge", f"no edge answers at {admin}: {error}", 1) from None
    except OSError as error:
        where = error.filename or f"no edge answers at {admin}"
        raise fail("purge", f"{where}: {error.strerror or error}", 1) from None
    for _, answer in answers:
        print(json.dumps(answer) if as_json else _line(answer))
    if not all(is_done for is_done, _ in answers):
        raise fail("purge", "not everything was purged", 1)


def _line(answer: Answer) -> str:
    if "state" in answer:
        wrong = "".join(f"\n  {line}" for line in answer["errors"])
        count = f"{answer['done']} of {answer['total']} entries, {answer['purged']} purged"
        return f"job {answer['id']} {answer['state']}: {count}, {answer['wrong']} wrong{wrong}"
    if "purged" not in answer:
        return f"purge: {answer['detail']}"
    named = next(answer[kind] for kind in ("url", "prefix", "group") if kind in answer)
    return f"{named}: {answer['purged']} purged{', softly' if answer.get('soft') else ''}"


async def _purge(
    wishes: list[tuple[str, str]], file: Path | None, admin: str, token: str, *, soft: bool
) -> list[tuple[bool, Answer]]:
    """Each answer, and whether what was asked is done."""
    answers = []
    softly = {"soft": "true"} if soft else {}
    fields = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(f"http://{admin}", headers=fields, timeout=_PATIENCE) as client:
        for kind, value in wishes:
            async with client.post("/purge", params={kind: value} | softly) as response:
                answers.append((response.status == 200, await response.json(content_type=None)))
        if file is not None:
            job = await _run_job(client, file, softly)
            answers.append((job["state"] == "done" and not job["wrong"], job))
    return answers


async def _run_job(client: aiohttp.ClientSession, file: Path, softly: dict[str, str]) -> Answer:
    """Send the batch and watch it to its end; a terminal sees how far it is."""
    with file.open("rb") as batch:
        async with client.post("/purge/jobs", data=batch, params=softly) as response:
            job: Answer = await response.json(content_type=None)
    if response.status != 202:
        raise _Refused(f"{file}: {job['detail']}")
    columns = TextColumn("purge"), BarColumn(), MofNCompleteColumn(), TextColumn("entries")
    is_seen = sys.stderr.isatty()
    bar = Progress(*columns, console=Console(stderr=True), transient=True) if is_seen else None
    with bar or nullcontext():
        task = None if bar is None else bar.add_task("purge", total=job["total"])
        while _is_on_its_way(job):
            await asyncio.sleep(_POLL_S)
            async with client.get(job["href"]) as response:
                job = await response.json(content_type=None)
            if response.status != 200:
                raise _Refused(f"{file}: {job['detail']}")
            if bar is not None and task is not None:
                bar.update(task, completed=job["done"], total=job["total"])
    return job


def _is_on_its_way(job: Answer) -> bool:
    """Workers of one edge need not end at once: then their states are a list."""
    states = job["state"] if isinstance(job["state"], list) else [job["state"]]
    return any(state in ("queued", "running") for state in states)
