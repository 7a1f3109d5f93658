"""Conditions of a client against what is stored (RFC 9110, 13)."""

from __future__ import annotations

import pytest

from edge.conditional import is_not_modified
from edge.fields import Fields
from tests.edge.messages import NOW_S, date, request

ETAG, MODIFIED = b'"v1"', date(NOW_S).encode()
SINCE, BEFORE, AFTER = date(NOW_S), date(NOW_S - 1), date(NOW_S + 1)

CONDITIONS = [  # request's fields, ETag, Last-Modified, is it not modified
    pytest.param({}, ETAG, MODIFIED, False, id="unconditional"),
    pytest.param({"if_none_match": '"v1"'}, ETAG, None, True, id="13.1.2-same"),
    pytest.param({"if_none_match": '"v2"'}, ETAG, None, False, id="13.1.2-other"),
    pytest.param({"if_none_match": 'W/"v1"'}, ETAG, None, True, id="13.1.2-weak-comparison"),
    pytest.param({"if_none_match": '"v1"'}, b'W/"v1"', None, True, id="13.1.2-weak-on-our-side"),
    pytest.param({"if_none_match": '"v0", W/"v1" , "v2"'}, ETAG, None, True, id="13.1.2-one-of-a-list"),
    pytest.param({"if_none_match": "*"}, ETAG, None, True, id="13.1.2-any"),
    pytest.param({"if_none_match": "*"}, None, None, True, id="13.1.2-any-without-a-tag"),
    pytest.param({"if_none_match": '"v1"'}, None, None, False, id="13.1.2-we-have-no-tag"),
    pytest.param({"if_none_match": '"a,b"'}, b'"a,b"', None, True, id="8.8.3-comma-in-a-tag"),
    pytest.param({"if_none_match": '"a,b"'}, b'"a', None, False, id="8.8.3-not-a-part-of-one"),
    pytest.param({"if_none_match": "v1"}, ETAG, None, False, id="8.8.3-unquoted"),
    pytest.param({"if_none_match": ""}, ETAG, None, False, id="empty"),
    pytest.param({"if_modified_since": SINCE}, None, MODIFIED, True, id="13.1.3-since-then-not"),
    pytest.param({"if_modified_since": AFTER}, None, MODIFIED, True, id="13.1.3-later"),
    pytest.param({"if_modified_since": BEFORE}, None, MODIFIED, False, id="13.1.3-modified"),
    pytest.param({"if_modified_since": "yesterday"}, None, MODIFIED, False, id="13.1.3-no-date"),
    pytest.param({"if_modified_since": SINCE}, None, None, False, id="13.1.3-we-have-no-date"),
    pytest.param(
        {"if_none_match": '"v2"', "if_modified_since": SINCE}, ETAG, MODIFIED, False, id="13.2.2-the-tag-wins"
    ),
]


@pytest.mark.parametrize(("named", "etag", "modified", "is_unchanged"), CONDITIONS)
def test_a_client_that_holds_the_response_is_told_so(
    named: dict[str, str], etag: bytes | None, modified: bytes | None, is_unchanged: bool
) -> None:
    told = ((b"etag", etag), (b"last-modified", modified))
    fields: Fields = tuple((name, value) for name, value in told if value is not None)
    assert is_not_modified(request(**named), fields) is is_unchanged
