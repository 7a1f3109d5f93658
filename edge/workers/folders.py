"""The disk tier of an edge with several workers: a folder for each, and what becomes of those of former ones.

The first worker has the folder itself, others have one in it. So a number of workers that changes leaves each
that still runs what it had. A folder without a worker hears of no purge: it must never be used again.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from edge.disk.folder import Folder

_OF_WORKER = re.compile(r"worker-(\d+)")
_GONE = "gone-"


def folder_of(folder: Path, index: int) -> Path:
    """Where the worker keeps its part of the tier in `folder`."""
    return folder if index == 0 else folder / f"worker-{index}"


def settle(folder: Path, count: int, logger: FilteringBoundLogger) -> threading.Thread | None:
    """Before workers begin: make the tier's folder, and put out of use what no worker will look after.

    Raises DiskError where the folder, or one that is to go, is not ours or is in use. The thread that is
    returned deletes the files behind everyone's back; what it has not come to, the next start deletes.
    """
    with _claimed(folder):
        unused = [path for index, path in _of_workers(folder) if not 0 < index < count]
        for path in unused:
            with _claimed(path):
                path.rename(_free_name(folder))
    if unused:
        logger.warning(
            "disk folders swept: no worker is left for them, and purges would not reach them",
            folders=", ".join(map(str, sorted(unused))),
        )
    gone = list(folder.glob(_GONE + "*"))
    if not gone:
        return None
    sweeping = threading.Thread(target=_delete, args=(gone,), name="sweep", daemon=True)
    sweeping.start()
    return sweeping


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    claimed = Folder(path)
    try:
        claimed.claim()
        yield
    except OSError as error:
        raise claimed.unusable(error) from None
    finally:
        claimed.release()


def _of_workers(folder: Path) -> Iterator[tuple[int, Path]]:
    for path in folder.iterdir():
        match = _OF_WORKER.fullmatch(path.name)
        if match and path.is_dir():
            yield int(match[1]), path


def _free_name(folder: Path) -> Path:
    number = 1
    while (path := folder / f"{_GONE}{number}").exists():
        number += 1
    return path


def _delete(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
