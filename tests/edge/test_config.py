"""The edge's configuration, and the file that shows it."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from edge.config import EdgeConfig
from service.config import ConfigError, load
from tests.needs import ROOT

SHOWN = ROOT / "deploy" / "edge.toml"


def test_the_file_that_shows_every_key_has_the_defaults() -> None:
    assert load(EdgeConfig, SHOWN) == EdgeConfig(upstream="http://127.0.0.1:8000")


def test_the_file_names_every_key_once_and_each_under_a_comment_of_its_own() -> None:
    lines = SHOWN.read_text(encoding="utf-8").splitlines()
    keys = {
        number: match[1] for number, line in enumerate(lines) if (match := re.match(r"(?:# )?(\w+) = ", line))
    }
    assert list(keys.values()) == [field.name for field in fields(EdgeConfig)]
    assert all(lines[number - 1].startswith("# ") for number in keys)


def test_a_key_without_a_default_of_its_own_stands_as_a_comment() -> None:
    text = SHOWN.read_text(encoding="utf-8")
    absent = {field.name for field in fields(EdgeConfig) if field.default is None}
    assert set(re.findall(r"^# (\w+) = ", text, re.MULTILINE)) == absent
    assert [field.name for field in fields(EdgeConfig) if field.default is MISSING] == ["upstream"]


MISTAKES = [  # what is set, what the message says
    pytest.param({"upstream": "127.0.0.1:8000"}, "upstream = '127.0.0.1:8000': write a URL", id="no-scheme"),
    pytest.param({"upstream": "ftp://h"}, "write a URL such as http://", id="another-scheme"),
    pytest.param({"upstream": "http://h/?q"}, "write a URL such as http://", id="a-query"),
    pytest.param({"eviction": "fifo"}, "eviction = 'fifo': choose one of lru, sieve", id="no-such-policy"),
    pytest.param({"name": "two words"}, "name = 'two words': use letters", id="a-name-with-a-space"),
    pytest.param({"name": ""}, "name = '': use letters", id="no-name"),
    pytest.param(
        {"ram": "1MiB"}, "max_object = 67108864: must not be larger than ram", id="object-above-ram"
    ),
    pytest.param({"listen": "8080"}, "listen = '8080': '8080' is not an address", id="no-host"),
    pytest.param(
        {"log_level": "loud"}, "log_level = 'loud': Input should be 'debug', 'info'", id="no-such-level"
    ),
    pytest.param({"upstream": []}, "upstream = '': name at least one", id="no-upstream"),
    pytest.param(
        {"upstream": ["http://a", "http://b heavy"]},
        "upstream = 'http://b heavy': after a space",
        id="one-of-two",
    ),
    pytest.param({"upstream": ["http://a", "http://a/"]}, "name each upstream once", id="one-upstream-twice"),
    pytest.param({"upstream": "unix:a.sock"}, "unix: and a socket's whole path", id="a-relative-socket"),
    pytest.param(
        {"upstream_choice": "random"}, "upstream_choice = 'random': Input should be", id="no-such-choice"
    ),
    pytest.param({"loop_id": "two words"}, "loop_id = 'two words': write a host name", id="no-loop-id"),
    pytest.param({"retry_ratio": "1.5"}, "retry_ratio = 1.5: give a share", id="more-than-all"),
    pytest.param(
        {"breaker_ratio": "0"}, "breaker_ratio = 0.0: give a share above 0", id="a-share-of-nothing"
    ),
    pytest.param({"breaker_failures": "0"}, "breaker_failures = 0: give 1 or more", id="open-from-the-start"),
    pytest.param({"resume_tries": "-1"}, "resume_tries = -1: give 0 or more", id="less-than-no-tries"),
    pytest.param(
        {"breaker_pause_s": "20"},
        "breaker_longest_pause_s = 10.0: must not be below breaker_pause_s = 20.0",
        id="a-longest-that-is-not",
    ),
    pytest.param({"max_connections": "many"}, "max_connections = 'many'", id="not-a-number"),
]


@pytest.mark.parametrize(("values", "said"), MISTAKES)
def test_a_mistake_is_one_line_with_the_way_out(values: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(EdgeConfig, None, {"upstream": "http://h"} | values)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


UNUSABLE = [
    pytest.param({"idle_timeout_s": "-1"}, id="negative-time"),
    pytest.param({"head_timeout_s": "nan"}, id="no-time"),
    pytest.param({"max_connections": "0"}, id="no-connections"),
    pytest.param({"name": "1st"}, id="9211-2-a-name-is-a-token"),
    pytest.param({"name": "größe"}, id="9211-2-a-token-is-ascii"),
]


@pytest.mark.parametrize("values", UNUSABLE)
def test_what_no_edge_could_run_with_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        load(EdgeConfig, None, {"upstream": "http://h"} | values)


def test_flags_come_as_text_and_are_read_as_the_file_is() -> None:
    settings = load(
        EdgeConfig, None, {"upstream": "https://o", "ram": "1GiB", "admin": ":9", "access_log": "a.log"}
    )
    assert (settings.ram, str(settings.admin), settings.access_log) == (2**30, "127.0.0.1:9", Path("a.log"))


def test_one_upstream_is_a_word_and_several_are_a_list(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text('upstream = ["http://a:1 weight=2", "unix:/run/b.sock"]\nupstream_choice = "hash"\n')
    settings = load(EdgeConfig, path)
    assert [(place.label, place.weight) for place in settings.upstreams] == [
        ("http://a:1", 2.0),
        ("unix:/run/b.sock", 1.0),
    ]
    assert [place.label for place in load(EdgeConfig, path, {"upstream": ["http://c"]}).upstreams] == [
        "http://c"
    ]
    assert [place.label for place in EdgeConfig(upstream="http://d").upstreams] == ["http://d"]
