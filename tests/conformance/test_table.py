"""The table itself: every row has a name of its own, and every gap is a row."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.conformance.known_gaps import KNOWN_GAPS, ONLY_OVER_SOCKETS, ONLY_THROUGH_THE_CORE
from tests.conformance.table import ROWS, SUBJECTS
from tests.conformance.telling import cache_members
from tests.conformance.words import Row


def test_no_two_rows_have_one_id() -> None:
    counted = Counter(each.id for each in ROWS)
    assert [name for name, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_row_names_its_section_in_words_that_a_command_line_takes(subject: str) -> None:
    rows: list[Row] = SUBJECTS[subject]
    assert [each.id for each in rows if not re.fullmatch(r"(\d{4}-)?\d[\d.]*-[A-Za-z0-9-]+", each.id)] == []
    assert [each.id for each in rows if not re.fullmatch(r"RFC \d{4} \d[\d.]*", each.section)] == []


def test_a_known_gap_is_a_row_and_is_known_once() -> None:
    gaps = [*KNOWN_GAPS, *ONLY_OVER_SOCKETS, *ONLY_THROUGH_THE_CORE]
    assert set(gaps) - {each.id for each in ROWS} == set()
    assert not KNOWN_GAPS.keys() & (ONLY_OVER_SOCKETS.keys() | ONLY_THROUGH_THE_CORE.keys())


def test_cache_status_is_read_as_a_list_of_members_with_parameters() -> None:
    """RFC 9211, 2; the names of caches may be quoted, and hold what separates."""
    assert cache_members('"a, b"; hit; key="x;y", penstock; fwd=stale; ttl=-3') == [
        {"": '"a, b"', "hit": "", "key": '"x;y"'},
        {"": "penstock", "fwd": "stale", "ttl": "-3"},
    ]
