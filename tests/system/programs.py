"""Other people's programs: how they are started, and what they said."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import program

TIMEOUT_S = 120.0
# "[address] module object error: text", where the objects "interface" and "libvlc" miss only a desktop.
VLC_ERROR = re.compile(r"^\[[0-9a-f]+\] \S+ (?!interface |libvlc )[\w ]+ error: .*", re.MULTILINE)


@pytest.fixture
def unprivileged() -> Iterator[tuple[list[str], Path]]:
    """How to start a program that refuses root, and a home that it can write to."""
    with tempfile.TemporaryDirectory() as home:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(home, nobody.pw_uid, nobody.pw_gid)
            setpriv = program("setpriv", "util-linux")
            ids = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
            yield [setpriv, *ids], Path(home)
        else:
            yield [], Path(home)


async def run(*command: str, home: Path) -> tuple[int | None, str]:
    """Exit status and all that the program said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "HOME": str(home)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output.decode(errors="replace")
