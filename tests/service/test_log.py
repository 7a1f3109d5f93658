"""The log of a service: one event, one line."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import datetime

import pytest
import structlog

from service import log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_an_event_is_one_line_of_json_that_names_its_service() -> None:
    stream = io.StringIO()
    log.configure(to=stream)
    log.get_logger("edge").info("listening", address="127.0.0.1:8080")
    assert stream.getvalue().count("\n") == 1
    event = json.loads(stream.getvalue())
    moment = event.pop("timestamp")
    assert event == {"service": "edge", "event": "listening", "address": "127.0.0.1:8080", "level": "info"}
    assert datetime.fromisoformat(moment).tzinfo is not None


def test_an_exception_stays_on_its_line() -> None:
    stream = io.StringIO()
    log.configure(to=stream)
    try:
        raise RuntimeError("two\nlines")
    except RuntimeError:
        log.get_logger("edge").exception("failed")
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue())["exception"][0]["exc_value"] == "two\nlines"


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    log.configure("warning", to=stream)
    logger = log.get_logger("edge")
    logger.info("quiet")
    logger.warning("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_a_terminal_gets_colours_and_no_json() -> None:
    stream = Terminal()
    log.configure(to=stream)
    log.get_logger("edge").info("listening")
    assert "\x1b[" in stream.getvalue()
    assert "listening" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_json_can_be_asked_for_on_a_terminal() -> None:
    stream = Terminal()
    log.configure(as_json=True, to=stream)
    log.get_logger("edge").info("listening")
    assert json.loads(stream.getvalue())["event"] == "listening"
