"""The floors of the house, and one door for each library: held by reading the imports of every module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.needs import ROOT

# What each folder may import of the others. Those in the middle meet over HTTP or files, never by import.
FLOORS = {
    "media": set[str](),
    "service": set[str](),
    "encoder": {"media", "service"},
    "origin": {"media", "service"},
    "edge": {"service"},  # an HTTP cache learns everything from headers
    "player_sim": {"media", "service"},
    "lab": {"media", "service", "encoder", "origin", "edge", "player_sim"},
    "benchmarks": {"media", "service", "encoder", "origin", "edge", "player_sim", "lab"},
}
PRODUCT = [folder for folder in FLOORS if folder not in ("lab", "benchmarks")]

DOORS = [  # library, where it is held to doors, the doors
    ("httptools", [*FLOORS], ["edge/http1.py"]),
    ("http_sf", [*FLOORS], ["edge/structured.py"]),
    ("hpack", [*FLOORS], ["edge/http2/hpack.py"]),
    ("ssl", ["edge"], ["edge/certificates.py", "edge/tls.py"]),
    ("cachetools", [*FLOORS], ["edge/eviction/*.py"]),
    ("uvloop", [*FLOORS], ["service/run.py"]),
    ("m3u8", [*FLOORS], ["media/hls*.py"]),
    ("lxml", [*FLOORS], ["media/dash*.py"]),
    ("ffmpeg", [*FLOORS], ["encoder/commands.py"]),
    ("av", [*FLOORS], ["encoder/decoding.py", "encoder/probe.py"]),
    ("cryptography", [*FLOORS], ["media/encryption/ciphers.py"]),
    ("pysubs2", [*FLOORS], ["encoder/subtitles/substation.py"]),
    ("ttconv", [*FLOORS], ["encoder/subtitles/ttml.py"]),
    ("obstore", [*FLOORS], ["encoder/store.py"]),
    ("distributed", [*FLOORS], ["encoder/cluster.py", "encoder/worker.py"]),
    ("prometheus_client", PRODUCT, ["service/metrics.py"]),
    ("structlog", [*FLOORS], ["service/log.py"]),
    ("aiohttp", ["edge"], ["edge/admin/*.py", "edge/upstream/link.py", "edge/workers/*.py"]),
    ("aiohttp", ["player_sim"], ["player_sim/http_driver.py", "player_sim/__main__.py"]),
    ("aiohttp", ["media", "service", "encoder"], []),
]

# The modules that talk to the world. Every other one is core, and a new one is core until it is named here.
SHELLS = {
    "media": [],
    "edge": [
        "__main__",
        "accesslog",
        "body",
        "burst",
        "certificates",
        "flights",
        "memfile",
        "ondisk",
        "outlet",
        "pace",
        "protocol",
        "reload",
        "server",
        "tls",
        "wires",
    ],
    "edge/admin": ["answers", "app", "crew", "debug", "purge", "purge_jobs"],
    "edge/disk": ["clerk", "files", "folder", "journal", "objects", "threads", "tier", "writing"],
    "edge/http2": ["connection"],
    "edge/upstream": ["client", "link"],
    "edge/workers": ["folders", "supervisor", "worker"],
    "encoder/encryption": ["key_file", "key_server"],
    "player_sim": ["__main__", "http_driver", "manifests"],
}
OUTSIDE = {"asyncio", "socket", "time", "os", "subprocess", "threading", "aiohttp", "uvloop"}


def _modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _imports(path: Path) -> Iterator[str]:
    """The dotted names of all that the module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_name(path)}: imports are absolute here"
            yield node.module or ""


def _packages(path: Path) -> set[str]:
    """The packages it imports; a name for an annotation opens no door."""
    return {name.partition(".")[0] for name in _imports(path) if name != "structlog.typing"}


def _core(folder: str) -> list[Path]:
    shells = {f"{where}/{shell}.py" for where in SHELLS for shell in SHELLS[where]}
    return [path for path in _modules(folder) if _name(path) not in shells]


def _taken_from_random(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module == "random":
            yield from (alias.name for alias in node.names)
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random"
        ):
            yield node.attr


@pytest.mark.parametrize("folder", FLOORS)
def test_a_folder_imports_only_from_the_floors_below(folder: str) -> None:
    above = FLOORS.keys() - FLOORS[folder] - {folder}
    found = {_name(path): _packages(path) & (above | {"tests"}) for path in _modules(folder)}
    assert not {module: names for module, names in found.items() if names}


@pytest.mark.parametrize(
    ("library", "folders", "doors"), [pytest.param(*row, id=f"{row[0]}-{row[1][0]}") for row in DOORS]
)
def test_a_library_has_one_door(library: str, folders: list[str], doors: list[str]) -> None:
    users = [_name(path) for folder in folders for path in _modules(folder) if library in _packages(path)]
    assert not [user for user in users if not any(fnmatch(user, door) for door in doors)]


@pytest.mark.parametrize("folder", SHELLS)
def test_a_core_module_knows_nothing_of_the_outside(folder: str) -> None:
    found = {_name(path): _packages(path) & OUTSIDE for path in _core(folder)}
    assert not {module: names for module, names in found.items() if names}


@pytest.mark.parametrize("folder", SHELLS)
def test_randomness_in_the_core_is_a_seeded_generator_that_was_handed_in(folder: str) -> None:
    used = {(_name(path), name) for path in _core(folder) for name in _taken_from_random(path)}
    assert {name for _, name in used} <= {"Random"}, used


def test_every_shell_of_the_table_is_there() -> None:
    named = [f"{folder}/{shell}.py" for folder, shells in SHELLS.items() for shell in shells]
    assert [name for name in named if not (ROOT / name).is_file()] == []
