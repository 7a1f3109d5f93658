"""docs/caching.md leads from sections to functions and tests: what it names exists; nothing is missing."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.conformance.table import ROWS

ROOT = Path(__file__).parents[2]
_TABLE = re.compile(r"^\| (\d{4}-[\d.]+) \|[^|]*\|([^|]*)\|([^|]*)\|$", re.MULTILINE)
_SECTION = re.compile(r"(\d{4}-)?(\d+(?:\.\d+)*)-")  # begins a row's id; without a number: RFC 9111

TEXT = (ROOT / "docs/caching.md").read_text()
LINES = _TABLE.findall(TEXT)
TESTS = sorted(set(re.findall(r"`((?:rules/|(?:\w+/)?test_)[\w.:]+)`", TEXT)))


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("name", sorted({name for _, functions, _ in LINES for name in names(functions)}))
def test_a_function_of_the_map_exists(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(f"edge.{module}"), attribute)


@pytest.mark.parametrize("name", TESTS)
def test_a_test_of_the_map_exists(name: str) -> None:
    path, _, function = name.partition("::")
    folder = ROOT / "tests" / ("conformance" if path.startswith("rules/") else "edge")
    text = (folder / path).read_text()
    assert not function or f"def {function}(" in text


def test_every_section_with_a_row_stands_in_the_map() -> None:
    mapped = {section for section, *_ in LINES}
    asked = set()
    for row in ROWS:
        match = _SECTION.match(row.id)
        assert match is not None, row.id
        asked.add(f"{match[1] or '9111-'}{match[2]}")
    missing = {each for each in asked if not any(f"{each}.".startswith(f"{known}.") for known in mapped)}
    assert missing == set()
    assert len(LINES) > 40, "the table was read"
