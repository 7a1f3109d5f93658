"""A service runs on uvloop until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from service.run import all_until
from tests.needs import ROOT

pytestmark = pytest.mark.socket

SERVICE = """
import asyncio, sys
from service.run import run

async def main(stop):
    print("ready", type(asyncio.get_running_loop()).__module__, flush=True)
    await stop.wait()
    print("ended", flush=True)

run(main, on_reload=lambda: print("reloaded", flush=True))
"""


@pytest.fixture
def service() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        yield process
        process.kill()


def said(service: subprocess.Popen[str]) -> str:
    assert service.stdout is not None
    return service.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_service_cleanly(service: subprocess.Popen[str], number: signal.Signals) -> None:
    assert said(service) == "ready uvloop"
    service.send_signal(number)
    assert said(service) == "ended"
    assert service.wait(timeout=10) == 0


def test_sighup_reloads_and_the_service_goes_on(service: subprocess.Popen[str]) -> None:
    assert said(service) == "ready uvloop"
    for _ in range(2):
        service.send_signal(signal.SIGHUP)
        assert said(service) == "reloaded"
    service.send_signal(signal.SIGTERM)
    assert said(service) == "ended"
    assert service.wait(timeout=10) == 0


async def test_a_stop_cancels_the_tasks_that_still_run() -> None:
    stop, ended = asyncio.Event(), asyncio.create_task(asyncio.sleep(0, "ended"))
    endless = asyncio.create_task(asyncio.Event().wait())
    waiting = asyncio.create_task(all_until(stop, [ended, endless]))
    await ended
    assert not waiting.done()
    stop.set()
    await waiting
    assert (ended.result(), endless.cancelled()) == ("ended", True)


async def test_without_a_stop_every_task_comes_to_its_end() -> None:
    tasks = [asyncio.create_task(asyncio.sleep(0, number)) for number in range(3)]
    await all_until(asyncio.Event(), tasks)
    assert [task.result() for task in tasks] == [0, 1, 2]
