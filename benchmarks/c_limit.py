"""The limit: a bare epoll responder in C (`c_limit.c`), compiled when it is asked for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from benchmarks.peers import Peer
from benchmarks.readings import LIMIT


def c_limit(folder: Path, port: int, sizes: Iterable[int]) -> Peer | None:
    """The responder for bodies of `sizes`, or None where no C compiler is installed."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    program = folder / "c_limit"
    source = Path(__file__).with_suffix(".c")
    subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True)
    return Peer(LIMIT, [str(program), str(port), *map(str, sizes)], port)
