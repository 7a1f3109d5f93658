"""A service runs on uvloop until a signal ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

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
