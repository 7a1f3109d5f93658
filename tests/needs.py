"""What a test needs from its machine: absent, it skips with a reason, or fails where all is required."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent


def absent(what: str, way_out: str) -> NoReturn:
    """Skip because `what` is not on this machine; where PENSTOCK_REQUIRE_ALL is set, fail instead."""
    reason = f"{what} is absent; {way_out}"
    if os.environ.get("PENSTOCK_REQUIRE_ALL"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def program(name: str, package: str) -> str:
    """The path of a program that a plain machine may lack."""
    path = shutil.which(name)
    if path is None:
        absent(name, f"on Debian: apt-get install {package}")
    return path


def library(name: str) -> None:
    """A Python library that a plain installation may lack."""
    if find_spec(name) is None:
        absent(f"the library {name}", "pip install -e '.[dev]'")


def shared(relative: str) -> Path:
    """A development input (clip, trace) beside the checkout, or below PENSTOCK_SHARED."""
    path = Path(os.environ.get("PENSTOCK_SHARED", ROOT.parent / "shared")) / relative
    if not path.exists():
        absent(f"the development input {relative}", "set PENSTOCK_SHARED to the folder that holds it")
    return path
