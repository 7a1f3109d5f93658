"""Values of a megabyte, read in a moment: quadratic time would be hours, and everybody's."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.needs import ROOT

READERS = [  # what reads a value, the value as an expression
    pytest.param(
        "from edge.fields import parse_directives as read",
        """b'?"' + b'\\\\"' * 500_000""",
        id="directives-with-escaped-quotes",
    ),
    pytest.param(
        "from edge.fields import parse_directives as read", "b'a=\"' * 300_000", id="directives-with-quotes"
    ),
    pytest.param(
        "from edge.fields import parse_directives as read",
        "b'a' + b' ' * 10**6 + b'b'",
        id="directives-with-spaces",
    ),
    pytest.param(
        "from edge.fields import parse_directives as read", "b',' * 10**6", id="directives-with-commas"
    ),
    pytest.param("from edge.fields import parse_date as read", "b' ' * 10**6 + b'x'", id="date"),
    pytest.param(
        "from edge.conditional import _matches; read = lambda value: _matches(value, b'x')",
        "b'a' + b' ' * 10**6 + b'b'",
        id="entity-tags-with-spaces",
    ),
    pytest.param(
        "from edge.conditional import _matches; read = lambda value: _matches(value, b'x')",
        "b'\"' * 1_000_001",
        id="entity-tags-with-quotes",
    ),
    pytest.param(
        "from edge.ranges import asked_spans as read",
        "b'bytes=' + b' ' * 10**6 + b'x'",
        id="range",
    ),
    pytest.param(
        "from edge.key import _DOT_SEGMENT; read = _DOT_SEGMENT.search", "b'/%2e.' * 200_000", id="target"
    ),
]


@pytest.mark.parametrize(("reader", "value"), READERS)
def test_no_value_takes_longer_than_its_length(reader: str, value: str) -> None:
    program = f"{reader}\nread({value})"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=30, capture_output=True)
