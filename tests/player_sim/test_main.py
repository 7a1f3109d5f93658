"""`python -m player_sim` as a person runs it: output and exit codes."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from player_sim.movies import constant_movie
from tests.needs import ROOT
from tests.player_sim.edges import edges

pytestmark = pytest.mark.socket
TITLE = constant_movie((400_000, 800_000), segment_s=0.1, count=3)
PATH = "/v/clip/master.m3u8"


async def run(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "player_sim",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"COLUMNS": "200", "PYTHONPATH": str(ROOT)},
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_sessions_that_play_to_their_end_exit_0_and_are_told_in_json() -> None:
    async with edges(TITLE, count=2) as running:
        urls = [edge.url + PATH for edge in running]
        code, out, _ = await run(*urls, "--sessions", "3", "--network", "20Mbps", "--json")
    told = json.loads(out)
    assert (code, told["is_success"], len(told["sessions"])) == (0, True, 3)
    assert [session["edges"] for session in told["sessions"]] == [
        [running[0].url],
        [running[1].url],
        [running[0].url],
    ]
    assert told["sessions"][0]["qoe"]["played_s"] == pytest.approx(0.3)
    assert [segment["kind"] for segment in told["sessions"][0]["segments"]] == ["video"] * 3


async def test_a_session_that_fails_exits_1_and_the_table_says_why() -> None:
    async with edges(TITLE) as running:
        del running[0].objects["0/2.m4s"]
        code, out, _ = await run(running[0].url + PATH, "--rule", "bba")
    assert code == 1
    assert "answered 404" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rule", "magic"], "--rule magic: choose one of bba, bba0, bola, throughput"),
        (
            ["--network", "fast"],
            "fast: No such file or directory; give a rate such as 5Mbps, or a trace file",
        ),
        (["--duration", "-1"], "duration_s = -1.0: give seconds above 0"),
    ],
)
async def test_a_mistake_is_one_line_and_exits_2(arguments: list[str], message: str) -> None:
    code, out, err = await run("http://127.0.0.1:9/v/clip/master.m3u8", *arguments)
    assert (code, out, err) == (2, "", f"player_sim: {message}\n")
