"""Gathering the segments' facts: init segments first, then the segments' heads, then what those do not show.

HLS and DASH often name the same bytes: each address is asked for once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from media.boxes import BoxError
from media.cmaf import defaults_of
from media.cmaf_fragments import facts_of, head_boxes
from media.cmaf_header import HeaderFacts, read_header
from media.cmaf_protection import aux_problem
from media.facts.model import Address, Container, Gathering, Got, Listed, Seen, Want

_BATCH = 128
_HEAD_BYTES = 16 * 2**10  # the boxes before four seconds of video take about five
_MOST_INIT_BYTES = 2**20
_MOST_SEGMENT_BYTES = 64 * 2**20
_MOST_TEXT_BYTES = 2**20
_TS_SYNC, _TS_PACKET_BYTES = 0x47, 188
_UNBOUNDED = 2**62
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wish:
    """A listed segment and what is to be learned of it."""

    listed: Listed
    kind: str  # of its track
    is_iframe: bool = False  # its range ends within a fragment


@dataclass(slots=True)
class Gathered:
    """What is known by address."""

    headers: dict[Address, HeaderFacts] = field(default_factory=dict)
    init_problems: dict[Address, tuple[str, bool]] = field(default_factory=dict)  # why, and whether missing
    segments: dict[Address, Seen] = field(default_factory=dict)

    def seen(self, listed: Listed) -> Seen:
        """The segment's facts under another listing of it."""
        known = self.segments[listed.address]
        return Seen(
            listed=listed,
            header=self.headers.get(listed.init) if listed.init else None,
            facts=known.facts,
            size_bytes=known.size_bytes,
            container=known.container,
            is_missing=known.is_missing,
            problem=known.problem,
            text=known.text,
            aux_problem=known.aux_problem,
        )


def gather_segments(wishes: Sequence[Wish]) -> Gathering[Gathered]:
    """Learn all there is to learn of the segments without reading their media."""
    gathered = Gathered()
    inits = dict.fromkeys(wish.listed.init for wish in wishes if wish.listed.init)
    for batch in _batches(list(inits)):
        answers = yield [_want(address, _MOST_INIT_BYTES) for address in batch]
        for address, answer in zip(batch, answers, strict=True):
            _take_init(gathered, address, answer)
    once = list({wish.listed.address: wish for wish in wishes}.values())
    unfinished: list[Wish] = []
    for some in _batches(once):
        answers = yield [_want(w.listed.address, _head_bytes(w)) for w in some]
        for wish, answer in zip(some, answers, strict=True):
            if not _take_segment(gathered, wish, answer, is_whole=False):
                unfinished.append(wish)
    for some in _batches(unfinished, 8):
        answers = yield [_want(wish.listed.address, _MOST_SEGMENT_BYTES) for wish in some]
        for wish, answer in zip(some, answers, strict=True):
            _take_segment(gathered, wish, answer, is_whole=True)
    return gathered


def _batches(items: Sequence[T], size: int = _BATCH) -> Iterable[Sequence[T]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _want(address: Address, most_bytes: int) -> Want:
    uri, byte_range = address
    if byte_range is None:
        return Want(uri, 0, most_bytes)
    first, last = byte_range
    return Want(uri, first, max(0, min(most_bytes, last - first + 1)))


def _head_bytes(wish: Wish) -> int:
    return _MOST_TEXT_BYTES if wish.kind == "text" else _HEAD_BYTES


def _take_init(gathered: Gathered, address: Address, answer: Got) -> None:
    if answer.problem:
        gathered.init_problems[address] = (answer.problem, True)
        return
    try:
        gathered.headers[address] = read_header(answer.data)
    except BoxError as error:
        gathered.init_problems[address] = (str(error), False)


def _take_segment(gathered: Gathered, wish: Wish, answer: Got, *, is_whole: bool) -> bool:
    """Whether that was enough."""
    listed = wish.listed
    size_bytes, problem = _size(listed, answer)
    if answer.problem or problem:
        reason = answer.problem or problem
        gathered.segments[listed.address] = Seen(listed=listed, is_missing=True, problem=reason)
        return True
    container = _container(wish, answer.data)
    seen = Seen(listed=listed, size_bytes=size_bytes, container=container)
    gathered.segments[listed.address] = seen
    if container == "webvtt":
        text = answer.data.decode("utf-8", "replace")
        gathered.segments[listed.address] = replace(seen, text=text)
    header = gathered.headers.get(listed.init) if listed.init else None
    if header is None or listed.is_encrypted or container != "fmp4":
        return True
    known = len(answer.data) if size_bytes is None else size_bytes
    try:
        boxes, is_complete = head_boxes(answer.data, _UNBOUNDED if wish.is_iframe else known)
        if not is_complete and not is_whole and not wish.is_iframe:
            return False
        if not is_complete and not wish.is_iframe:
            raise BoxError(f"the segment ends within a box, after {len(answer.data)} bytes")
        facts = facts_of(boxes, defaults_of(header.init))
        aux = aux_problem(boxes, header.protection)
        gathered.segments[listed.address] = replace(seen, facts=facts, aux_problem=aux)
    except BoxError as error:
        gathered.segments[listed.address] = replace(seen, problem=str(error))
    return True


def _size(listed: Listed, answer: Got) -> tuple[int | None, str]:
    """The segment's own size, and what is wrong with its range."""
    if listed.byte_range is None:
        return answer.size_bytes, ""
    first, last = listed.byte_range
    if last < first:
        return None, f"bytes {first}-{last} are none"
    if answer.size_bytes is not None and answer.size_bytes <= last:
        return None, f"bytes {first}-{last} are asked for, the file has {answer.size_bytes}"
    return last - first + 1, ""


def _container(wish: Wish, head: bytes) -> Container:
    if wish.listed.is_encrypted:
        return ""
    if wish.listed.init or head[4:8] in (b"styp", b"moof", b"sidx", b"emsg", b"prft", b"ftyp"):
        return "fmp4"
    if wish.kind == "text":
        return "webvtt"
    if head[:1] == bytes([_TS_SYNC]) and head[_TS_PACKET_BYTES : _TS_PACKET_BYTES + 1] in (b"", b"G"):
        return "mpegts"
    return "other"
