"""What purge requests say, one by one and in batches that come in pieces."""

from __future__ import annotations

import json

import pytest

from edge.admin.purge_input import MOST_ENTRIES, Batch, PurgeError, wish_of
from edge.key import KeyRules
from edge.purging import Wish

KEYS = KeyRules()

WISHES = [
    pytest.param({"url": "/x"}, Wish("url", b"/x"), id="url"),
    pytest.param({"url": "https://a.example/x?CMCD=br%3D1&a=1"}, Wish("url", b"/x?a=1"), id="absolute"),
    pytest.param({"prefix": "/v/%7Ea"}, Wish("prefix", b"/v/~a"), id="in-its-normal-form"),
    pytest.param({"group": "a b"}, Wish("group", b"a b"), id="group"),
    pytest.param({"all": True}, Wish("all"), id="all"),
    pytest.param({"all": "", "soft": "1"}, Wish("all", is_soft=True), id="all-in-a-query"),
    pytest.param({"url": "/x", "all": False, "soft": False}, Wish("url", b"/x"), id="not-all"),
    pytest.param({"url": "/x", "soft": True}, Wish("url", b"/x", is_soft=True), id="soft"),
]


@pytest.mark.parametrize(("named", "wish"), WISHES)
def test_a_wish_is_read(named: dict[str, object], wish: Wish) -> None:
    assert wish_of(named, KEYS) == wish


MISTAKES = [
    pytest.param({}, "name one of url, prefix, group, all", id="nothing"),
    pytest.param({"url": "/x", "group": "g"}, "not 2 of them", id="two"),
    pytest.param({"url": ""}, "name one of url", id="empty"),
    pytest.param({"url": 5}, "url = 5", id="a-number"),
    pytest.param({"url": "x"}, "url = 'x': the request target must be a path", id="no-path"),
    pytest.param({"prefix": "/../x"}, "dot segments", id="dot-segments"),
    pytest.param({"url": "/\ud800"}, "bytes that no URL may have", id="no-unicode"),
    pytest.param({"uri": "/x"}, "'uri' is not known here; did you mean 'url'?", id="misspelt"),
    pytest.param({"url": "/x", "soft": "yes"}, "soft = 'yes': write true or false", id="not-a-truth"),
    pytest.param({"url": "/x", "soft": []}, "soft = []: write true or false", id="not-even-a-word"),
]


@pytest.mark.parametrize(("named", "said"), MISTAKES)
def test_a_mistake_is_named_with_the_way_out(named: dict[str, object], said: str) -> None:
    with pytest.raises(PurgeError) as caught:
        wish_of(named, KEYS)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def read(data: bytes, piece_bytes: int, *, is_soft: bool = False) -> Batch:
    batch = Batch(KEYS, is_soft=is_soft)
    for start in range(0, len(data), piece_bytes):
        list(batch.feed(data[start : start + piece_bytes]))
    list(batch.end())
    return batch


ENTRIES = [
    "/a",
    {"url": "/b", "soft": True},
    {"prefix": '/c,]}"\\['[:2]},
    {"group": "gr\u00fcn \u20ac"},
    "/a",
]
FORMS = [
    pytest.param(json.dumps(ENTRIES).encode(), id="array"),
    pytest.param(b"\xef\xbb\xbf \n" + json.dumps(ENTRIES, indent=2, ensure_ascii=False).encode(), id="utf-8"),
    pytest.param("\n\n".join(map(json.dumps, ENTRIES)).encode(), id="lines-without-an-end"),
    pytest.param(("\r\n".join(["/a", *map(json.dumps, ENTRIES[1:4]), "/a\r\n"])).encode(), id="bare-urls"),
]


@pytest.mark.parametrize("piece_bytes", [1, 7, 10_000])
@pytest.mark.parametrize("data", FORMS)
def test_a_batch_says_the_same_in_each_form_and_however_it_comes(data: bytes, piece_bytes: int) -> None:
    batch = read(data, piece_bytes)
    assert (batch.entries, batch.wrong, batch.told) == (5, 0, [])
    assert batch.plan.urls == {b"/a": False, b"/b": True}
    assert batch.plan.prefixes == {b"/c": False}
    assert batch.plan.groups == {"gr\u00fcn \u20ac".encode(): False}


def test_soft_holds_for_the_entries_that_do_not_say() -> None:
    batch = read(b'/a\n{"url": "/b", "soft": false}\n', 100, is_soft=True)
    assert batch.plan.urls == {b"/a": True, b"/b": False}


def test_wrong_entries_are_told_and_cost_the_others_nothing() -> None:
    batch = read(b'/a\nno\n{"url": \n[1]\n\n{"url": "/b"}\n17\n', 3)
    assert batch.plan.urls == {b"/a": False, b"/b": False}
    assert (batch.entries, batch.wrong) == (6, 4)
    assert [line.partition(":")[0] for line in batch.told] == ["line 2", "line 3", "line 4", "line 7"]
    assert read(b'["/a", 1, null, ["/b"]]', 4).told[1].startswith("entry 3: name what to purge")


def test_only_the_first_wrong_entries_are_told() -> None:
    batch = read(b"no\n" * 1000, 100)
    assert (batch.wrong, len(batch.told)) == (1000, 10)


BROKEN = [
    pytest.param(b"", "nothing to purge", id="nothing"),
    pytest.param(b" \n\n", "nothing to purge", id="white-space"),
    pytest.param(b"[]", "nothing to purge", id="an-empty-array"),
    pytest.param(b'["/a", "/b"', "the JSON array breaks off in entry 2", id="no-end"),
    pytest.param(b'["/a" "/b"]', "a comma is missing after entry 1", id="no-comma"),
    pytest.param(b'["/a"] "/b"', "something follows the JSON array", id="more-behind"),
    pytest.param(b"[" * 100_000, "entry 1 is not a JSON object or text", id="very-deep"),
    pytest.param(b'["/a",' + b"9" * 6000, "breaks off in entry 2", id="a-very-long-number"),
    pytest.param(b'["' + b"a" * 20_000, "entry 1 is not a JSON object or text", id="a-very-long-text"),
    pytest.param(b"/" + b"a" * 20_000, "entry 1 is not a JSON object or text", id="a-very-long-line"),
]


@pytest.mark.parametrize(("data", "said"), BROKEN)
def test_what_cannot_be_read_on_is_refused_and_says_where(data: bytes, said: str) -> None:
    with pytest.raises(PurgeError) as caught:
        read(data, 1000)
    assert said in str(caught.value)
    assert caught.value.status == 400


def test_a_batch_has_an_end() -> None:
    batch = Batch(KEYS)
    batch.entries = MOST_ENTRIES
    with pytest.raises(PurgeError) as caught:
        list(batch.feed(b"/x\n"))
    assert caught.value.status == 413
