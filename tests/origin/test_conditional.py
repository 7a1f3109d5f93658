from __future__ import annotations

import pytest

from origin.conditional import Validators, Verdict, judge, may_use_range

NOW = Validators('"abc"', 784111777)
DATE, EARLIER, LATER = (
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:36 GMT",
    "Sun, 06 Nov 1994 08:49:38 GMT",
)
SEND, KNOWN, FAILED = Verdict.SEND, Verdict.NOT_MODIFIED, Verdict.FAILED
CASES = [  # request fields, verdict: RFC 9110
    pytest.param({}, SEND, id="13.2-no-precondition"),
    pytest.param({"If-None-Match": '"abc"'}, KNOWN, id="13.1.2-same"),
    pytest.param({"If-None-Match": 'W/"abc"'}, KNOWN, id="13.1.2-compares-weakly"),
    pytest.param({"If-None-Match": '"x", "abc"'}, KNOWN, id="13.1.2-one-of-a-list"),
    pytest.param({"If-None-Match": "*"}, KNOWN, id="13.1.2-any"),
    pytest.param({"If-None-Match": '"x"'}, SEND, id="13.1.2-another"),
    pytest.param({"If-None-Match": "abc"}, SEND, id="8.8.3-without-quotes-is-no-tag"),
    pytest.param({"If-Modified-Since": DATE}, KNOWN, id="13.1.3-same-second"),
    pytest.param({"If-Modified-Since": LATER}, KNOWN, id="13.1.3-later"),
    pytest.param({"If-Modified-Since": EARLIER}, SEND, id="13.1.3-earlier"),
    pytest.param({"If-Modified-Since": "yesterday"}, SEND, id="13.1.3-no-date"),
    pytest.param({"If-None-Match": '"x"', "If-Modified-Since": LATER}, SEND, id="13.1.3-tag-before-date"),
    pytest.param({"If-Match": '"abc"'}, SEND, id="13.1.1-same"),
    pytest.param({"If-Match": "*"}, SEND, id="13.1.1-any"),
    pytest.param({"If-Match": 'W/"abc"'}, FAILED, id="13.1.1-compares-strongly"),
    pytest.param({"If-Match": '"x"'}, FAILED, id="13.1.1-another"),
    pytest.param({"If-Unmodified-Since": EARLIER}, FAILED, id="13.1.4-modified-since"),
    pytest.param({"If-Unmodified-Since": DATE}, SEND, id="13.1.4-not-modified-since"),
    pytest.param({"If-Match": '"abc"', "If-Unmodified-Since": EARLIER}, SEND, id="13.1.4-tag-before-date"),
    pytest.param({"If-Match": '"abc"', "If-None-Match": '"abc"'}, KNOWN, id="13.2.2-both-in-order"),
]


@pytest.mark.parametrize(("fields", "verdict"), CASES)
def test_preconditions_are_judged_in_order(fields: dict[str, str], verdict: Verdict) -> None:
    assert judge(fields, NOW) is verdict


IF_RANGE = [
    pytest.param(None, True, id="no-field"),
    pytest.param('"abc"', True, id="13.1.5-same-tag"),
    pytest.param('W/"abc"', False, id="13.1.5-weak-tag"),
    pytest.param('"x"', False, id="13.1.5-another-tag"),
    pytest.param(DATE, True, id="13.1.5-same-date"),
    pytest.param(LATER, False, id="13.1.5-dates-match-exactly-or-not"),
]


@pytest.mark.parametrize(("field", "may"), IF_RANGE)
def test_a_range_is_for_who_holds_the_same_state(field: str | None, may: bool) -> None:
    assert may_use_range(field, NOW) is may
