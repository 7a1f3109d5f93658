"""The folder: one process at a time, its own format, nobody else's files, and one clear line otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.disk.folder import DiskError, Folder
from tests.edge.disk.objects import body, disk_tier, file_of, head, whole
from tests.needs import ROOT

HOLD = """
import sys
from pathlib import Path
from edge.disk.folder import Folder
Folder(Path(sys.argv[1])).claim()
print("held", flush=True)
sys.stdin.read()
"""


async def refused(folder: Path) -> str:
    """The line that an operator sees."""
    with pytest.raises(DiskError) as caught:
        async with disk_tier(folder):
            pass
    line = str(caught.value)
    assert "\n" not in line
    assert str(folder) in line
    return line


def test_a_folder_has_one_user_and_death_ends_the_claim(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(DiskError, match=f"process {owner.pid} is using it; give each edge a folder"):
            Folder(tmp_path).claim()
        owner.kill()
        owner.wait()
        mine = Folder(tmp_path)
        mine.claim()
        with pytest.raises(DiskError, match=f"process {os.getpid()} is using it"):
            Folder(tmp_path).claim()
        mine.release()


async def test_a_folder_of_a_later_format_is_left_alone(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    before[tmp_path / "format"] = b"penstock disk tier, format 2\n"
    (tmp_path / "format").write_bytes(before[tmp_path / "format"])
    assert "is of format 2, this version writes 1; empty the folder or name another" in await refused(
        tmp_path
    )
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["holiday.jpg", "format"])
async def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    assert "holds other files; give the disk tier a folder of its own" in await refused(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


async def test_a_mount_point_that_is_otherwise_empty_is_taken(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    async with disk_tier(tmp_path) as tier:
        assert tier.how_started == "new"


async def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "disk").write_text("")
    assert "needs a folder that it can write to" in await refused(tmp_path / "disk")


async def test_a_start_that_died_half_way_can_be_repeated(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    Folder(folder).claim()
    (folder / "format").unlink()  # died before it had written that
    for left in ("lock", "running"):
        (folder / left).unlink(missing_ok=True)
    async with disk_tier(folder) as tier:
        assert tier.how_started == "new"


async def test_stray_files_are_neither_served_nor_touched(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
        shard = file_of(tier, b"/a").parent
    next(tmp_path.glob("index.*")).unlink()
    (shard / "notes.txt").write_text("mine")
    (shard / f"{shard.name}00000000000000").mkdir()
    (shard / f"{shard.name}11111111111111").symlink_to("/etc/passwd")
    (tmp_path / "tmp" / "1-1").write_bytes(b"of a flight that did not land")
    async with disk_tier(tmp_path) as tier:
        assert (tier.how_started, len(tier), tier.strays) == ("scan", 1, 3)
        assert await whole(tier, b"/a") == (head(), body(b"/a"))
    assert len(list(shard.iterdir())) == 4
    assert list((tmp_path / "tmp").iterdir()) == []
