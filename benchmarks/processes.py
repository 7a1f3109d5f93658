"""Servers under measurement: started on one core, waited for, their CPU time read, ended by their id."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path


class Process:
    """A server process and its children, pinned to `core`, or to several."""

    def __init__(self, command: Sequence[str], *, core: int | set[int], log: Path) -> None:
        self._log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                list(command),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                preexec_fn=lambda: os.sched_setaffinity(0, {core} if isinstance(core, int) else core),
                start_new_session=True,
            )

    def cpu_s(self) -> float:
        """User and system time of the process's living threads and those of its descendants, so far."""
        return sum(_cpu_s(pid) for pid in family(self._popen.pid))

    def rss_bytes(self) -> int:
        """Resident memory of the process and its living descendants, now."""
        return sum(_rss_bytes(pid) for pid in family(self._popen.pid))

    def wait_for(self, port: int, timeout_s: float = 20.0) -> None:
        """Returns when something listens on `port`. Raises RuntimeError with the log's end."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s and self._popen.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self._popen.args!r} does not listen on {port}: {self._log.read_text()[-800:]}")

    def stop(self) -> None:
        self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(10)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str], *, core: int | set[int], port: int, log: Path) -> Iterator[Process]:
    """The process of `command`, listening on `port`, for the length of the block."""
    process = Process(command, core=core, log=log)
    try:
        process.wait_for(port)
        yield process
    finally:
        process.stop()


def family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from family(int(child))


def _cpu_s(pid: int) -> float:
    """By the scheduler's own clock: the first field of schedstat, in ns (`stat` counts in ticks of 10 ms).

    What the network stack does on behalf of a sender on loopback is in it, unless the kernel counts
    interrupts apart (CONFIG_IRQ_TIME_ACCOUNTING).
    """
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def _rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
