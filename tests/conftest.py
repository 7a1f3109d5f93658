"""The order of all tests: cores first, then sockets, then what runs ffmpeg, browsers or whole services."""

from __future__ import annotations

import pytest
from hypothesis import settings

# How long an example takes says nothing on a machine that others work on too.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_slowness)


def _slowness(item: pytest.Item) -> int:
    return 2 if item.get_closest_marker("system") else 1 if item.get_closest_marker("socket") else 0
