"""The session core: what a player does next, and what it makes of what happened. No I/O, no clock.

A driver asks `next_action` and does it; of a request it tells when the first byte came, how it goes on, and
that it is complete or has failed. One request is in flight at a time, for the kind that is furthest behind.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from media.presentation import InitSegment
from media.timeline import Segment
from player_sim.abr.base import AbrRule, PlayerState
from player_sim.estimator import ESTIMATORS
from player_sim.playback import Kind, Phase, Playback
from player_sim.result import Delivery, SegmentRecord, SessionResult
from player_sim.schedule import Lane, Schedule

_INSTANT_S = 1e-6  # below it a difference of times is rounding, or finer than any clock of a player


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerSettings:
    max_buffer_s: float = 30.0  # no request while the segment would not fit
    startup_s: float = 2.0  # buffered before playback starts, or a full buffer
    resume_s: float = 2.0  # buffered before playback goes on after a stall
    duration_s: float | None = None  # how much of the title is watched; None: all
    estimator: str = "ewma"

    def __post_init__(self) -> None:
        for name, value in (("max_buffer_s", self.max_buffer_s), ("duration_s", self.duration_s)):
            if value is not None and not value > 0:
                raise ValueError(f"{name} = {value}: give seconds above 0")
        for name, value in (("startup_s", self.startup_s), ("resume_s", self.resume_s)):
            if value < 0:
                raise ValueError(f"{name} = {value}: give seconds, 0 or more")
        if self.estimator not in ESTIMATORS:
            raise ValueError(f"estimator = {self.estimator!r}: choose one of {', '.join(ESTIMATORS)}")


@dataclass(frozen=True, slots=True)
class Request:
    """Fetch `segment`, and `init` before it if this rendition was never fetched before."""

    lane: Lane
    index: int  # of the segment, from 0
    rung: int
    init: InitSegment | None

    @property
    def kind(self) -> Kind:
        return self.lane.kind

    @property
    def segment(self) -> Segment:
        return self.lane.segment(self.index, self.rung)

    @property
    def duration_s(self) -> float:
        return self.lane.durations_s[self.index]


@dataclass(frozen=True, slots=True)
class Wait:
    until_s: float


@dataclass(frozen=True, slots=True)
class Done:
    """Played to the end, or given up; the result says which."""


Action = Request | Wait | Done


@dataclass(slots=True)
class _InFlight:
    request: Request
    requested_s: float
    attempted_s: float  # when the attempt that goes on was made
    first_byte_s: float | None
    state: PlayerState | None  # None: there was nothing to choose
    buffer_s: float


class Session:
    """One viewer of one title, from the click at `start_s` on."""

    def __init__(
        self, schedule: Schedule, rule: AbrRule, settings: PlayerSettings, start_s: float = 0.0
    ) -> None:
        self.schedule = schedule
        self.settings = settings
        end_s = min(schedule.duration_s, settings.duration_s or schedule.duration_s)
        self.playback = Playback(
            [lane.kind for lane in schedule.lanes],
            start_s=start_s,
            end_s=end_s,
            startup_s=settings.startup_s,
            resume_s=settings.resume_s,
        )
        self.estimator = ESTIMATORS[settings.estimator](schedule.longest_segment_s)
        self.failure: str | None = None
        self.records: list[SegmentRecord] = []
        self._rule = rule
        self._next = {lane.kind: 0 for lane in schedule.lanes}
        self._count = {lane.kind: _segments_until(lane, end_s) for lane in schedule.lanes}
        self._last: int | None = None
        self._initialised: set[tuple[Kind, int]] = set()
        self._in_flight: _InFlight | None = None

    def next_action(self, now_s: float) -> Action:
        """What to do now; a Request counts as sent at `now_s`."""
        playback = self.playback
        playback.advance(now_s)
        if self.failure is not None or playback.phase is Phase.ENDED:
            return Done()
        lane = self._furthest_behind()
        if lane is None:
            return Wait(playback.runs_out_s)
        wait_s = self._until_it_fits_s(lane)
        if wait_s <= _INSTANT_S:
            return self._request(lane, now_s)
        if playback.phase is not Phase.PLAYING:
            playback.play(now_s)  # the buffer is full: the threshold would never be met
        return Wait(now_s + wait_s)

    def first_byte(self, now_s: float) -> None:
        self.playback.advance(now_s)
        self._sent().first_byte_s = now_s

    def progress(self, now_s: float) -> None:
        """More of the segment has arrived: keeps playhead and stalls current while a download lasts."""
        self.playback.advance(now_s)

    def attempt(self, now_s: float) -> None:
        """The segment is asked for, after its init segment or once more: its latency counts from here."""
        self.playback.advance(now_s)
        sent = self._sent()
        sent.attempted_s, sent.first_byte_s = now_s, None

    def completed(self, now_s: float, size_bytes: int, delivery: Delivery | None = None) -> None:
        """All of the segment in flight is here. `delivery` says how, when it came over real HTTP."""
        sent = self._sent()
        request, lane = sent.request, sent.request.lane
        first_byte_s = now_s if sent.first_byte_s is None else sent.first_byte_s
        self._in_flight = None
        self._next[lane.kind] += 1
        self._initialised.add((lane.kind, request.rung))
        is_last = self._next[lane.kind] == self._count[lane.kind]
        until_s = lane.ends_s[request.index]
        if is_last:  # a track that ends before the others must not hold them back
            until_s = max(until_s, self.playback.end_s)
        self.playback.append(lane.kind, until_s, now_s)
        if sent.state is not None:
            self._last = request.rung
        if size_bytes:
            latency_s = first_byte_s - sent.attempted_s
            self.estimator.add(size_bytes, max(now_s - first_byte_s, _INSTANT_S), latency_s)
        self.records.append(
            SegmentRecord(
                kind=lane.kind,
                index=request.index,
                rung=request.rung,
                rendition=lane.tracks[request.rung].rendition,
                media_start_s=lane.ends_s[request.index] - request.duration_s,
                duration_s=request.duration_s,
                size_bytes=size_bytes,
                requested_s=sent.requested_s,
                first_byte_s=first_byte_s,
                completed_s=now_s,
                buffer_before_s=sent.buffer_s,
                buffer_after_s=self.playback.buffer_s(lane.kind),
                estimate_bps=sent.state.throughput_bps if sent.state else None,
                delivery=delivery,
            )
        )

    def failed(self, now_s: float, reason: str) -> None:
        """The request in flight is given up, and with it the session."""
        self.playback.advance(now_s)
        self._in_flight = None
        self.failure = reason

    def result(self, now_s: float) -> SessionResult:
        """What the viewer saw until now."""
        playback = self.playback
        playback.close(now_s)
        return SessionResult(
            start_s=playback.start_s,
            end_s=now_s,
            startup_delay_s=playback.startup_delay_s,
            played_s=playback.playhead_s,
            stalls=tuple(playback.stalls),
            segments=tuple(self.records),
            failure=self.failure,
        )

    def _furthest_behind(self) -> Lane | None:
        """The lane to fetch next: the least buffered that still has segments, video first of equals."""
        open_lanes = [lane for lane in self.schedule.lanes if self._next[lane.kind] < self._count[lane.kind]]
        if not open_lanes:
            return None
        return min(open_lanes, key=lambda lane: self.playback.buffered_until_s(lane.kind))

    def _until_it_fits_s(self, lane: Lane) -> float:
        buffer_s = self.playback.buffer_s(lane.kind)
        excess_s = buffer_s + lane.durations_s[self._next[lane.kind]] - self.settings.max_buffer_s
        return min(excess_s, buffer_s)  # an empty buffer takes a segment of any length

    def _request(self, lane: Lane, now_s: float) -> Request:
        index = self._next[lane.kind]
        state = self._state(lane, index) if len(lane.tracks) > 1 else None
        rung = self._rule.choose(state) if state else 0
        init = None if (lane.kind, rung) in self._initialised else lane.tracks[rung].init
        request = Request(lane, index, rung, init)
        self._in_flight = _InFlight(request, now_s, now_s, None, state, self.playback.buffer_s(lane.kind))
        return request

    def _state(self, lane: Lane, index: int) -> PlayerState:
        return PlayerState(
            ladder=self.schedule.ladder,
            buffer_s=self.playback.buffer_s(lane.kind),
            max_buffer_s=self.settings.max_buffer_s,
            segment_index=index,
            segment_count=self._count[lane.kind],
            segment_duration_s=lane.durations_s[index],
            sizes_bytes=lane.sizes_bytes[index],
            last=self._last,
            throughput_bps=self.estimator.throughput_bps,
            latency_s=self.estimator.latency_s,
        )

    def _sent(self) -> _InFlight:
        if self._in_flight is None:
            raise RuntimeError("no request is in flight: ask next_action first")
        return self._in_flight


def _segments_until(lane: Lane, end_s: float) -> int:
    """How many segments start before `end_s`."""
    return 1 + bisect_left(lane.ends_s, end_s, hi=len(lane.ends_s) - 1)
