"""The rules of RFC 9113 by section: which frames end a stream, which the connection, and which neither."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import pytest
from hpack import Encoder

from edge.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PRIORITY_UPDATE,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    WITH_PRIORITY,
    ErrorCode,
    FrameReader,
    frame,
    settings_frame,
)
from edge.http2.head import Asked
from edge.http2.session import MAX_STREAMS, Session
from edge.http2.streams import Stream

GET = [(":method", "GET"), (":scheme", "http"), (":path", "/x"), (":authority", "edge.example")]
POST = [(":method", "POST"), *GET[1:]]
OPEN, WHOLE = END_HEADERS, END_HEADERS | END_STREAM


class Owner:
    """Keeps what it is told, and answers nothing by itself."""

    def __init__(self) -> None:
        self.asked: list[Asked | None] = []
        self.body = b""
        self.ended: list[int] = []
        self.reset: list[int] = []
        self.sent: list[int] = []

    def on_request(self, stream: Stream, asked: Asked | None) -> None:  # noqa: ARG002
        self.asked.append(asked)

    def on_body(self, stream: Stream, data: bytes) -> None:  # noqa: ARG002
        self.body += data

    def on_end(self, stream: Stream) -> None:
        self.ended.append(stream.id)

    def on_reset(self, stream: Stream) -> None:
        self.reset.append(stream.id)

    def on_room(self, stream: Stream) -> None: ...

    def on_sent(self, stream: Stream) -> None:
        self.sent.append(stream.id)


class Talk:
    """A session and what it said; a client that sends what the test says."""

    def __init__(self, *, greets: bool = True) -> None:
        self.owner = Owner()
        self.session = Session(self.owner, 0.0)
        self.encoder = Encoder()
        self.said: list[tuple[int, int, int, bytes]] = []
        self._reader = FrameReader()
        list(self._reader.feed(PREFACE))
        if greets:
            self.send(PREFACE + settings_frame())
            self.said.clear()

    def send(self, data: bytes, now_s: float = 0.0) -> None:
        self.session.feed(data, now_s)
        self.take()

    def take(self, limit_bytes: int = 2**20) -> None:
        while out := self.session.take(limit_bytes):
            self.said += self._reader.feed(b"".join(out))

    def ask(self, stream_id: int = 1, flags: int = WHOLE, fields: list[tuple[str, str]] = GET) -> None:
        self.send(frame(HEADERS, flags, stream_id, self.encoder.encode(fields)))

    def answer(self, stream_id: int, body: bytes = b"") -> None:
        self.session.answer(self.session.streams[stream_id], b"\x88", body)
        self.take()

    def resets(self) -> dict[int, int]:
        return {stream: word(payload) for kind, _, stream, payload in self.said if kind == RST_STREAM}

    def goaway(self) -> int | None:
        codes = [word(payload[4:]) for kind, _, _, payload in self.said if kind == GOAWAY]
        return codes[0] if codes else None

    def data(self, stream_id: int) -> bytes:
        return b"".join(
            payload for kind, _, stream, payload in self.said if (kind, stream) == (DATA, stream_id)
        )


def word(payload: bytes) -> int:
    return int.from_bytes(payload[:4], "big")


def setting(name: int, value: int) -> bytes:
    return settings_frame((name, value))


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}L", *values)


def block(*fields: tuple[str, str]) -> bytes:
    return Encoder().encode(list(fields or GET))


REQUEST = frame(HEADERS, WHOLE, 1, block())
UPLOAD = frame(HEADERS, OPEN, 1, block(*POST))
PARTIAL = frame(HEADERS, 0, 1, block()[:3])

CONNECTION = [  # what is sent after the preface and SETTINGS, the code of the GOAWAY
    pytest.param(frame(DATA, 0, 1, b"a"), "PROTOCOL_ERROR", id="5.1-data-on-idle"),
    pytest.param(frame(RST_STREAM, 0, 1, words(8)), "PROTOCOL_ERROR", id="5.1-rst-on-idle"),
    pytest.param(frame(WINDOW_UPDATE, 0, 1, words(9)), "PROTOCOL_ERROR", id="5.1-window-on-idle"),
    pytest.param(frame(CONTINUATION, 4, 1, b""), "PROTOCOL_ERROR", id="6.10-continuation-of-nothing"),
    pytest.param(frame(HEADERS, WHOLE, 2, block()), "PROTOCOL_ERROR", id="5.1.1-even-stream"),
    pytest.param(frame(HEADERS, WHOLE, 0, block()), "PROTOCOL_ERROR", id="6.2-headers-on-0"),
    pytest.param(
        frame(HEADERS, WHOLE, 5, block()) + frame(HEADERS, WHOLE, 3, block()),
        "PROTOCOL_ERROR",
        id="5.1.1-streams-in-order",
    ),
    pytest.param(frame(DATA, 0, 0, b"a"), "PROTOCOL_ERROR", id="6.1-data-on-0"),
    pytest.param(UPLOAD + frame(DATA, PADDED, 1, b"\x05abc"), "PROTOCOL_ERROR", id="6.1-padding-too-long"),
    pytest.param(frame(HEADERS, WHOLE | PADDED, 1, b"\x09abc"), "PROTOCOL_ERROR", id="6.2-padding-too-long"),
    pytest.param(
        frame(HEADERS, WHOLE | WITH_PRIORITY, 1, b"abc"), "FRAME_SIZE_ERROR", id="6.2-priority-cut-off"
    ),
    pytest.param(b"\x00\x40\x01" + frame(DATA, 0, 1, b"")[3:], "FRAME_SIZE_ERROR", id="4.2-frame-too-large"),
    pytest.param(PARTIAL + frame(PING, 0, 0, b"12345678"), "PROTOCOL_ERROR", id="6.10-interrupted-block"),
    pytest.param(PARTIAL + frame(CONTINUATION, 4, 3, b""), "PROTOCOL_ERROR", id="6.10-another-stream"),
    pytest.param(frame(HEADERS, WHOLE, 1, b"\xff"), "COMPRESSION_ERROR", id="4.3-undecodable-block"),
    pytest.param(frame(PRIORITY, 0, 0, b"12345"), "PROTOCOL_ERROR", id="6.3-priority-on-0"),
    pytest.param(REQUEST + frame(RST_STREAM, 0, 1, b"abc"), "FRAME_SIZE_ERROR", id="6.4-size-of-rst"),
    pytest.param(frame(RST_STREAM, 0, 0, words(8)), "PROTOCOL_ERROR", id="6.4-rst-on-0"),
    pytest.param(frame(SETTINGS, 0, 1), "PROTOCOL_ERROR", id="6.5-settings-on-a-stream"),
    pytest.param(frame(SETTINGS, ACK, 0, b"123456"), "FRAME_SIZE_ERROR", id="6.5-ack-with-payload"),
    pytest.param(frame(SETTINGS, 0, 0, b"1234567"), "FRAME_SIZE_ERROR", id="6.5-size-of-settings"),
    pytest.param(setting(2, 2), "PROTOCOL_ERROR", id="6.5.2-enable-push"),
    pytest.param(setting(4, 2**31), "FLOW_CONTROL_ERROR", id="6.5.2-initial-window"),
    pytest.param(setting(5, 16383), "PROTOCOL_ERROR", id="6.5.2-frame-size-too-small"),
    pytest.param(setting(5, 2**24), "PROTOCOL_ERROR", id="6.5.2-frame-size-too-large"),
    pytest.param(frame(PUSH_PROMISE, 4, 1, words(2)), "PROTOCOL_ERROR", id="8.4-client-pushes"),
    pytest.param(frame(PING, 0, 1, b"12345678"), "PROTOCOL_ERROR", id="6.7-ping-on-a-stream"),
    pytest.param(frame(PING, 0, 0, b"1234567"), "FRAME_SIZE_ERROR", id="6.7-size-of-ping"),
    pytest.param(frame(GOAWAY, 0, 1, words(0, 0)), "PROTOCOL_ERROR", id="6.8-goaway-on-a-stream"),
    pytest.param(frame(GOAWAY, 0, 0, words(0)), "FRAME_SIZE_ERROR", id="6.8-size-of-goaway"),
    pytest.param(frame(WINDOW_UPDATE, 0, 0, words(0)), "PROTOCOL_ERROR", id="6.9-nothing-more"),
    pytest.param(frame(WINDOW_UPDATE, 0, 0, b"abc"), "FRAME_SIZE_ERROR", id="6.9-size-of-window-update"),
    pytest.param(
        frame(WINDOW_UPDATE, 0, 0, words(2**31 - 1)), "FLOW_CONTROL_ERROR", id="6.9.1-window-too-large"
    ),
    pytest.param(
        REQUEST + frame(WINDOW_UPDATE, 0, 1, words(2**30)) + setting(4, 2**31 - 1),
        "FLOW_CONTROL_ERROR",
        id="6.9.2-window-too-large-by-settings",
    ),
    pytest.param(frame(PRIORITY_UPDATE, 0, 1, words(1)), "PROTOCOL_ERROR", id="9218-7.1-on-a-stream"),
    pytest.param(frame(PRIORITY_UPDATE, 0, 0, words(2)), "PROTOCOL_ERROR", id="9218-7.1-about-a-push"),
    pytest.param(
        frame(HEADERS, 0, 1, b"") + frame(CONTINUATION, 0, 1, b"a" * 16384) * 3,
        "ENHANCE_YOUR_CALM",
        id="10.5.1-endless-head",
    ),
    pytest.param(
        frame(HEADERS, 0, 1, b"") + frame(CONTINUATION, 0, 1) * 600,
        "ENHANCE_YOUR_CALM",
        id="10.5-empty-continuations",
    ),
    pytest.param(frame(PING, 0, 0, b"12345678") * 600, "ENHANCE_YOUR_CALM", id="10.5-pings"),
    pytest.param(settings_frame() * 600, "ENHANCE_YOUR_CALM", id="10.5-settings"),
    pytest.param(frame(PRIORITY, 0, 1, words(3) + b"1") * 600, "ENHANCE_YOUR_CALM", id="10.5-priorities"),
    pytest.param(UPLOAD + frame(DATA, 0, 1) * 600, "ENHANCE_YOUR_CALM", id="10.5-empty-data"),
    pytest.param(
        REQUEST + frame(WINDOW_UPDATE, 0, 1, words(1)) * 600, "ENHANCE_YOUR_CALM", id="10.5-dribbled-windows"
    ),
    pytest.param(frame(0x42, 0, 0, b"a") * 600, "ENHANCE_YOUR_CALM", id="10.5-unknown-frames"),
]


@pytest.mark.parametrize(("data", "code"), CONNECTION)
def test_a_fault_of_the_connection_ends_it(data: bytes, code: str) -> None:
    talk = Talk()
    talk.send(data)
    assert talk.goaway() == ErrorCode[code]
    assert not talk.session.streams
    talk.send(REQUEST)
    assert len(talk.owner.asked) <= 2  # nothing is read any more


STREAM = [  # what is sent, the code of the RST_STREAM on stream 1
    pytest.param(REQUEST + frame(DATA, 0, 1, b"a"), "STREAM_CLOSED", id="5.1-data-after-the-end"),
    pytest.param(REQUEST + frame(HEADERS, WHOLE, 1, b""), "STREAM_CLOSED", id="5.1-headers-after-the-end"),
    pytest.param(frame(PRIORITY, 0, 1, b"1234"), "FRAME_SIZE_ERROR", id="6.3-size-of-priority"),
    pytest.param(frame(PRIORITY, 0, 1, words(1) + b"a"), "PROTOCOL_ERROR", id="5.3.1-depends-on-itself"),
    pytest.param(
        frame(HEADERS, WHOLE | WITH_PRIORITY, 1, words(1) + b"a" + block()),
        "PROTOCOL_ERROR",
        id="5.3.1-headers-depend-on-themselves",
    ),
    pytest.param(REQUEST + frame(WINDOW_UPDATE, 0, 1, words(0)), "PROTOCOL_ERROR", id="6.9-nothing-more"),
    pytest.param(
        REQUEST + frame(WINDOW_UPDATE, 0, 1, words(2**31 - 1)), "FLOW_CONTROL_ERROR", id="6.9.1-too-large"
    ),
    pytest.param(UPLOAD + frame(DATA, 0, 1, b"a" * 16384) * 4, "FLOW_CONTROL_ERROR", id="6.9.1-unasked-data"),
    pytest.param(UPLOAD + frame(HEADERS, OPEN, 1, b""), "PROTOCOL_ERROR", id="8.1-trailers-without-end"),
    pytest.param(
        UPLOAD + frame(HEADERS, WHOLE, 1, block((":path", "/"))), "PROTOCOL_ERROR", id="8.1-pseudo-trailer"
    ),
    pytest.param(
        frame(HEADERS, WHOLE, 1, block(*POST, ("content-length", "3"))),
        "PROTOCOL_ERROR",
        id="8.1.1-length-of-nothing",
    ),
    pytest.param(
        frame(HEADERS, OPEN, 1, block(*POST, ("content-length", "3"))) + frame(DATA, END_STREAM, 1, b"ab"),
        "PROTOCOL_ERROR",
        id="8.1.1-shorter-than-said",
    ),
    pytest.param(
        frame(HEADERS, OPEN, 1, block(*POST, ("content-length", "3"))) + frame(DATA, 0, 1, b"abcd"),
        "PROTOCOL_ERROR",
        id="8.1.1-longer-than-said",
    ),
]


@pytest.mark.parametrize(("data", "code"), STREAM)
def test_a_fault_of_a_stream_ends_only_that(data: bytes, code: str) -> None:
    talk = Talk()
    talk.send(data)
    assert talk.resets() == {1: ErrorCode[code]}
    assert talk.goaway() is None
    asked = len(talk.owner.asked)
    talk.send(frame(HEADERS, WHOLE, 3, block()))
    assert len(talk.owner.asked) == asked + 1


NEITHER = [  # what is sent and does no harm
    pytest.param(frame(0x16, 0xFF, 0, b"abc"), id="5.5-unknown-frame"),
    pytest.param(setting(0x99, 7), id="6.5.2-unknown-setting"),
    pytest.param(frame(PRIORITY, 0, 7, words(1) + b"a"), id="5.1-priority-on-idle"),
    pytest.param(frame(SETTINGS, ACK, 0), id="6.5-ack"),
    pytest.param(frame(PING, ACK, 0, b"12345678"), id="6.7-ack"),
    pytest.param(frame(GOAWAY, 0, 0, words(0, 0) + b"bye"), id="6.8-goaway"),
    pytest.param(frame(PRIORITY_UPDATE, 0, 0, words(9) + b"u=1, i"), id="9218-7.1-ahead-of-its-stream"),
]


@pytest.mark.parametrize("data", NEITHER)
def test_what_is_no_fault_is_taken_in(data: bytes) -> None:
    talk = Talk()
    talk.send(data)
    talk.ask(11)
    assert (talk.resets(), talk.goaway(), len(talk.owner.asked)) == ({}, None, 1)


def test_settings_come_first() -> None:
    talk = Talk(greets=False)
    talk.send(PREFACE + REQUEST)
    assert talk.goaway() == ErrorCode.PROTOCOL_ERROR


def test_settings_and_pings_are_acknowledged() -> None:
    talk = Talk()
    talk.send(setting(3, 7) + frame(PING, 0, 0, b"12345678"))
    assert talk.said == [(SETTINGS, ACK, 0, b""), (PING, ACK, 0, b"12345678")]


def test_frames_may_come_in_any_pieces() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    rng = random.Random(seed)
    talk = Talk(greets=False)
    data = PREFACE + settings_frame() + frame(HEADERS, OPEN, 1, block(*POST))
    data += frame(DATA, PADDED, 1, b"\x02abc\0\0") + frame(DATA, END_STREAM, 1, b"def")
    while data:
        size = rng.randint(1, 9)
        talk.send(data[:size])
        data = data[size:]
    assert (talk.owner.body, talk.owner.ended) == (b"abcdef", [1])


def test_a_head_in_several_frames_is_one() -> None:
    talk = Talk()
    head = block()
    talk.send(frame(HEADERS, END_STREAM, 1, head[:4]) + frame(CONTINUATION, 0, 1, head[4:9]))
    assert talk.owner.asked == []
    talk.send(frame(CONTINUATION, END_HEADERS, 1, head[9:]))
    assert [asked and asked.path for asked in talk.owner.asked] == [b"/x"]


def test_a_head_that_is_too_large_keeps_the_compression_in_step() -> None:
    talk = Talk()
    talk.send(frame(HEADERS, WHOLE, 1, talk.encoder.encode([*GET, ("x", "a" * 4000)])))
    bomb = talk.encoder.encode([*GET, *[("x", "a" * 4000)] * 9])
    talk.send(frame(HEADERS, WHOLE, 3, bomb))
    talk.ask(5, fields=[*GET, ("y", "b")])
    assert talk.owner.asked[1] is None
    last = talk.owner.asked[2]
    assert last is not None
    assert (b"y", b"b") in last.fields


def test_resets_without_end_are_a_fault_and_a_few_are_none() -> None:
    talk = Talk()
    for number in range(1, 200, 2):
        talk.ask(number)
        talk.send(frame(RST_STREAM, 0, number, words(8)))
    assert (talk.goaway(), len(talk.owner.reset)) == (None, 100)
    for number in range(201, 2001, 2):
        if talk.goaway() is None:
            talk.ask(number)
            talk.send(frame(RST_STREAM, 0, number, words(8)))
    assert talk.goaway() == ErrorCode.ENHANCE_YOUR_CALM
    assert len(talk.owner.asked) <= 500


def test_resets_that_the_client_provokes_count_like_its_own() -> None:
    talk = Talk()
    for number in range(1, 2001, 2):
        talk.ask(number)
        talk.send(frame(WINDOW_UPDATE, 0, number, words(0)))
    assert talk.goaway() == ErrorCode.ENHANCE_YOUR_CALM


def test_what_is_spent_comes_back_with_time() -> None:
    talk = Talk()
    for second in range(100):
        talk.send(frame(PING, 0, 0, b"12345678") * 40, now_s=float(second))
    assert talk.goaway() is None


def test_a_connection_has_so_many_streams_and_no_more() -> None:
    talk = Talk()
    for number in range(MAX_STREAMS + 1):
        talk.ask(2 * number + 1)
    assert talk.resets() == {2 * MAX_STREAMS + 1: ErrorCode.REFUSED_STREAM}
    talk.answer(1)
    talk.ask(2 * MAX_STREAMS + 3)
    assert len(talk.owner.asked) == MAX_STREAMS + 1


def test_frames_that_crossed_a_reset_are_dropped() -> None:
    talk = Talk()
    talk.ask(1, OPEN, POST)
    talk.session.reset(talk.session.streams[1], ErrorCode.INTERNAL_ERROR)
    talk.send(
        frame(DATA, 0, 1, b"abc") + frame(WINDOW_UPDATE, 0, 1, words(9)) + frame(HEADERS, WHOLE, 1, b"")
    )
    assert (talk.goaway(), talk.owner.body) == (None, b"")


def test_frames_after_the_end_of_both_sides_are_a_fault() -> None:
    talk = Talk()
    talk.ask(1)
    talk.answer(1)
    talk.send(frame(DATA, 0, 1, b"abc"))
    assert talk.goaway() == ErrorCode.STREAM_CLOSED


def test_an_answer_fits_the_windows() -> None:
    talk = Talk()
    talk.ask(1)
    talk.answer(1, b"a" * 100_000)
    assert len(talk.data(1)) == 65535
    talk.send(frame(WINDOW_UPDATE, 0, 1, words(1000)))
    assert len(talk.data(1)) == 65535  # the connection's window is shut
    talk.send(frame(WINDOW_UPDATE, 0, 0, words(100_000)))
    assert len(talk.data(1)) == 66535
    talk.send(frame(WINDOW_UPDATE, 0, 1, words(100_000)))
    assert len(talk.data(1)) == 100_000
    assert talk.owner.sent == [1]
    assert talk.said[-1][:3] == (DATA, END_STREAM, 1)


def test_a_window_may_shrink_below_nothing() -> None:
    talk = Talk()
    talk.ask(1)
    talk.answer(1, b"a" * 100_000)
    talk.send(frame(WINDOW_UPDATE, 0, 0, words(2**20)) + setting(4, 1000))
    assert talk.session.streams[1].window_bytes == 1000 - 65535
    talk.send(frame(WINDOW_UPDATE, 0, 1, words(64_535)))
    assert len(talk.data(1)) == 65535
    talk.send(setting(4, 100_000))
    assert len(talk.data(1)) == 100_000


def test_no_frame_is_larger_than_the_least_that_clients_take() -> None:
    talk = Talk()
    talk.send(setting(5, 2**20))
    talk.ask(1)
    talk.answer(1, b"a" * 60_000)
    assert [len(payload) for kind, _, _, payload in talk.said if kind == DATA] == [16384, 16384, 16384, 10848]


def test_a_large_head_is_cut_into_frames() -> None:
    talk = Talk()
    talk.ask(1)
    talk.session.send_head(talk.session.streams[1], b"\x88" * 40_000, ends=True)
    talk.take()
    kinds = [(kind, flags, len(payload)) for kind, flags, _, payload in talk.said]
    assert kinds == [
        (HEADERS, END_STREAM, 16384),
        (CONTINUATION, 0, 16384),
        (CONTINUATION, END_HEADERS, 7232),
    ]


def test_the_room_for_a_body_is_given_back_as_it_is_taken() -> None:
    talk = Talk()
    talk.ask(1, OPEN, POST)
    stream = talk.session.streams[1]
    talk.send(frame(DATA, 0, 1, b"a" * 16384) * 3)
    talk.session.grant(stream, waiting_bytes=3 * 16384)
    talk.take()
    assert [kind for kind, *_ in talk.said] == []  # all of it still waits
    talk.session.grant(stream, waiting_bytes=0)
    talk.take()
    assert talk.said == [(WINDOW_UPDATE, 0, 1, words(3 * 16384))]


def test_padding_counts_in_the_windows() -> None:
    talk = Talk()
    talk.ask(1, OPEN, POST)
    talk.send(frame(DATA, PADDED, 1, b"\xff" + b"\0" * 255) * 255)
    assert talk.session.streams[1].offered_bytes == 65535 - 255 * 256
    talk.send(frame(DATA, PADDED, 1, b"\xff" + b"\0" * 255))
    assert talk.resets() == {1: ErrorCode.FLOW_CONTROL_ERROR}


def test_the_connections_own_room_is_given_back_as_it_arrives() -> None:
    talk = Talk()
    for number in range(1, 41, 2):
        talk.ask(number, OPEN, POST)
        talk.send(frame(DATA, 0, number, b"a" * 16384) * 3)
    given = sum(
        word(payload) for kind, _, stream, payload in talk.said if (kind, stream) == (WINDOW_UPDATE, 0)
    )
    assert given >= 20 * 3 * 16384 - 2**19
    assert talk.goaway() is None


def test_bytes_without_sense_end_in_a_fault_or_in_nothing() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    rng = random.Random(seed)
    for _ in range(2000):
        talk = Talk()
        for data in _nonsense(rng):
            talk.send(data)
        assert len(talk.session.streams) <= MAX_STREAMS
        if talk.session.fault is not None:
            assert talk.goaway() == talk.session.fault.code


def _nonsense(rng: random.Random) -> Iterator[bytes]:
    """Frames whose parts are right by chance: known types, few streams, payloads like real ones."""
    payloads = [b"", block(), block(*POST), words(1), words(0, 0), b"\0\x04" + words(70_000), b"12345678"]
    for _ in range(rng.randint(1, 12)):
        payload = rng.choice(payloads) + (rng.randbytes(rng.randint(1, 9)) if rng.random() < 0.2 else b"")
        yield frame(
            rng.randint(0, 17), rng.choice((0, 1, 4, 5, rng.randrange(256))), rng.randint(0, 9), payload
        )
