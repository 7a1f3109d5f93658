"""What `docs/operations.md` promises: each metric, each field of the log, each key that changes live."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.reload import LIVE
from service.metrics import read
from tests.edge.admin.test_app import TOKEN, administered
from tests.edge.wire import Asked, Clock, HangUp, Origin, ask, connected, get, serving, so
from tests.needs import ROOT

pytestmark = pytest.mark.socket

DOCUMENT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`[^|]+`) \|", DOCUMENT, re.MULTILINE)
IN_TABLES = {name for row in ROWS for name in re.findall(r"`([^`]+)`", row)}


@pytest.mark.parametrize("has_disk", [False, True])
async def test_each_metric_is_documented_and_each_documented_one_is_there(
    clock: Clock, tmp_path: Path, *, has_disk: bool
) -> None:
    origin = Origin(lambda asked: asked.reply(b"x", cache_control="max-age=60"), clock)
    settings = {"disk": tmp_path / "disk", "disk_size": 2**30} if has_disk else {}
    async with (
        origin,
        serving(origin.url, clock, admin_token="secret", **settings) as server,
        administered(server) as admin,
    ):
        await get(server)
        async with admin.get("/metrics", headers=TOKEN) as response:
            samples = read(await response.text())
    names = {re.sub(r"_(bucket|count|sum|created)$", "", sample[0]) for sample in samples}
    documented = {name for name in IN_TABLES if name.startswith("edge_")}
    assert names <= documented
    if has_disk:
        assert names == documented


async def test_the_histograms_count_what_took_how_long(clock: Clock) -> None:
    async def slow(asked: Asked) -> AsyncIterator[bytes]:
        clock.now_s += 0.2
        yield asked.reply(b"x", cache_control="no-store")

    origin = Origin(slow, clock)
    async with origin, serving(origin.url, clock) as server, administered(server) as admin:
        await get(server)
        async with admin.get("/metrics") as response:
            samples = read(await response.text())
    for name in ("edge_slow_seconds", "edge_upstream_seconds"):
        assert samples[f"{name}_bucket", "0.1"] == 0
        assert samples[f"{name}_bucket", "0.25"] == samples[f"{name}_bucket", "+Inf"] == 1
        assert samples[f"{name}_sum",] == pytest.approx(0.2)


def test_each_key_that_changes_live_is_named() -> None:
    section = DOCUMENT.partition("Live are: ")[2].partition(". All other")[0]
    assert set(re.findall(r"`(\w+)`", section)) == LIVE


async def test_each_field_of_the_log_is_documented_and_says_what_was_done(
    clock: Clock, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"

    def script(asked: Asked) -> bytes:
        if asked.target == "/cut":
            raise HangUp
        if "if-none-match" in asked.fields:
            return asked.reply(status=304, cache_control="max-age=60")
        return asked.reply(b"0123456789", cache_control="max-age=60", etag='"1"')

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, access_log=log) as server, connected(server) as client:
        await client.get("/x?CMCD=sid%3D%22s-1%22")
        await client.get("/x", cmcd_session='sid="s 2"')
        clock.now_s += 100
        await client.get("/x", cmcd_session='sid="s 2"')
        await client.get("/x", "HEAD")
        await client.post("/form", b"hi")
        await client.get("/cut")
        client.send(b"GARBAGE\r\n\r\n")
        await client.rest()
    lines = [json.loads(line) for line in log.read_bytes().splitlines()]
    known = ("method", "cache", "tier", "fwd", "fwd_status", "sid")
    assert [tuple(line.get(name) for name in known) for line in lines] == [
        ("GET", "miss", "upstream", "uri-miss", 200, "s-1"),
        ("GET", "hit", "ram", None, None, "s 2"),
        ("GET", "revalidated", "ram", "stale", 304, "s 2"),
        ("HEAD", "hit", "ram", None, None, None),
        ("POST", "pass", "upstream", "method", 200, None),
        ("GET", "refused", None, None, None, None),
        ("-", "refused", None, None, None, None),
    ]
    assert [("upstream_ms" in line, "ms" in line) for line in lines[:3]] == [
        (True, True),
        (False, True),
        (True, True),
    ]
    assert {name for line in lines for name in line} <= IN_TABLES


async def test_a_collapsed_request_tells_the_time_of_the_fetch_it_joined(
    clock: Clock, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"

    async def slow(asked: Asked) -> AsyncIterator[bytes]:
        await so(lambda: len(server.connections) == 2)  # the other is on its way
        clock.now_s += 3
        yield asked.reply(b"x", cache_control="max-age=60")

    origin = Origin(slow, clock)
    async with (
        origin,
        serving(origin.url, clock, access_log=log) as server,
        connected(server) as one,
    ):
        one.send(ask("/x"))
        async with connected(server) as other:
            other.send(ask("/x"))
            await other.answer()
        await one.answer()
    lines = [json.loads(line) for line in log.read_bytes().splitlines()]
    assert {line["upstream_ms"] for line in lines} == {3000.0}
