"""Whose turn it is to send on one connection (RFC 9218, 10)."""

from __future__ import annotations

from collections.abc import Sequence

from edge.http2.streams import Buffer, Stream, Turns

FRAME_BYTES = 100


def _turns() -> tuple[Turns, list[int], list[int]]:
    room: list[int] = []
    sent: list[int] = []
    return Turns(lambda stream: room.append(stream.id), lambda stream: sent.append(stream.id)), room, sent


def _stream(
    turns: Turns, number: int, size_bytes: int, urgency: int = 3, *, is_incremental: bool = True
) -> Stream:
    stream = Stream(number, 2**20, 0.0)
    stream.urgency, stream.is_incremental = urgency, is_incremental
    stream.put(b"a" * size_bytes)
    stream.ends = True
    turns.add(stream)
    return stream


def _order(out: Sequence[Buffer]) -> list[int]:
    """The streams of the DATA frames."""
    return [int.from_bytes(head[5:9], "big") for head in out[::2]]


def test_equals_take_turns() -> None:
    turns, _, sent = _turns()
    for number in (1, 3):
        _stream(turns, number, 300)
    out: list[Buffer] = []
    turns.take(out, 10_000, FRAME_BYTES, 0.0)
    assert _order(out) == [1, 3, 1, 3, 1, 3]
    assert sent == [1, 3]


def test_one_that_is_of_no_use_in_parts_is_sent_at_a_stretch() -> None:
    turns, _, _ = _turns()
    for number in (1, 3):
        _stream(turns, number, 300, is_incremental=False)
    out: list[Buffer] = []
    turns.take(out, 10_000, FRAME_BYTES, 0.0)
    assert _order(out) == [1, 1, 1, 3, 3, 3]


def test_the_more_urgent_goes_first_and_keeps_nobody_who_may_send_from_sending() -> None:
    turns, _, _ = _turns()
    _stream(turns, 1, 200, urgency=5)
    shut = _stream(turns, 3, 200, urgency=1)
    shut.window_bytes = 100
    out: list[Buffer] = []
    turns.take(out, 10_000, FRAME_BYTES, 0.0)
    assert _order(out) == [3, 1, 1]


def test_who_moves_up_is_served_next() -> None:
    turns, _, _ = _turns()
    _stream(turns, 1, 200)
    late = _stream(turns, 3, 200)
    turns.move(late, 0, is_incremental=False)
    out: list[Buffer] = []
    turns.take(out, 10_000, FRAME_BYTES, 0.0)
    assert _order(out) == [3, 3, 1, 1]


def test_no_more_is_taken_than_there_is_room_for() -> None:
    turns, _, _ = _turns()
    _stream(turns, 1, 1000)
    out: list[Buffer] = []
    assert turns.take(out, 250, FRAME_BYTES, 0.0) == 3 * 109
    assert turns.take(out, 0, FRAME_BYTES, 0.0) == 0


def test_the_connections_window_is_shared() -> None:
    turns, _, _ = _turns()
    turns.window_bytes = 250
    streams = [_stream(turns, number, 200) for number in (1, 3)]
    out: list[Buffer] = []
    turns.take(out, 10_000, FRAME_BYTES, 0.0)
    assert [len(piece) for piece in out[1::2]] == [100, 100, 50]
    turns.window_bytes = 1000
    for stream in streams:
        turns.add(stream)
    turns.take(out, 10_000, FRAME_BYTES, 0.0)
    assert sum(len(piece) for piece in out[1::2]) == 400


def test_a_body_is_sent_by_reference() -> None:
    turns, _, _ = _turns()
    stream = Stream(1, 2**20, 0.0)
    body = b"a" * 1000
    stream.put(body)
    turns.add(stream)
    out: list[Buffer] = []
    turns.take(out, 10_000, 2**14, 0.0)
    assert isinstance(out[1], memoryview)
    assert out[1].obj is body


def test_a_sender_that_waits_is_woken_when_little_is_left() -> None:
    turns, room, _ = _turns()
    stream = _stream(turns, 1, 70_000)
    stream.ends = False
    stream.is_waited_for = True
    out: list[Buffer] = []
    turns.take(out, 4_000, FRAME_BYTES, 0.0)
    assert room == []
    turns.take(out, 4_000, FRAME_BYTES, 0.0)
    assert room == [1]


def test_a_stream_that_was_dropped_sends_nothing() -> None:
    turns, _, sent = _turns()
    stream = _stream(turns, 1, 200)
    stream.drop()
    out: list[Buffer] = []
    turns.take(out, 10_000, FRAME_BYTES, 0.0)
    turns.add(stream)
    turns.take(out, 10_000, FRAME_BYTES, 0.0)
    assert (out, sent) == ([], [])
