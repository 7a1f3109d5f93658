"""The link: exact integration over the trace, and its inverse."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from player_sim.network import Period, Trace, TraceError

MEGABYTE = 1_000_000
CASES = [  # periods, request at, bytes, first byte at, end at
    pytest.param([(1, 8e6, 0)], 0, MEGABYTE, 0, 1, id="a-megabyte-at-8-Mbps-takes-a-second"),
    pytest.param([(1, 8e6, 0.1)], 2.5, MEGABYTE, 2.6, 3.6, id="latency-comes-first"),
    pytest.param([(1, 8e6, 0), (1, 4e6, 0)], 0.5, MEGABYTE, 0.5, 2.0, id="half-at-each-rate"),
    pytest.param([(1, 8e6, 0), (1, 4e6, 0)], 1.5, MEGABYTE, 1.5, 2.75, id="the-trace-starts-again"),
    pytest.param([(1, 8e6, 0), (9, 0, 0)], 0.5, MEGABYTE, 0.5, 10.5, id="silence-is-waited-out"),
    pytest.param([(9, 0, 0), (1, 8e6, 0)], 0, MEGABYTE, 0, 10, id="silence-at-the-start"),
    pytest.param([(1, 8e6, 0), (9, 0, 0)], 0, MEGABYTE, 0, 1, id="done-before-the-silence-not-after-it"),
    pytest.param([(1, 8e6, 0), (9, 0, 0)], 5, 0, 5, 5, id="nothing-takes-no-time"),
    pytest.param([(1, 8e6, 0)], 0.25, 100 * MEGABYTE, 0.25, 100.25, id="many-times-round"),
    pytest.param([(1, 8e6, 0.2), (1, 8e6, 0.4)], 0.9, 0, 1.2, 1.2, id="half-a-latency-in-each-period"),
    pytest.param([(1, 8e6, 3), (1, 8e6, 6)], 0, 0, 4, 4, id="latency-over-several-periods"),
]


@pytest.mark.parametrize(("periods", "start_s", "size_bytes", "first_byte_s", "end_s"), CASES)
def test_a_download_ends_when_the_trace_has_carried_it(
    periods: list[tuple[float, float, float]],
    start_s: float,
    size_bytes: int,
    first_byte_s: float,
    end_s: float,
) -> None:
    transfer = Trace([Period(*period) for period in periods]).transfer(start_s, size_bytes)
    assert transfer.first_byte_s == pytest.approx(first_byte_s)
    assert transfer.end_s == pytest.approx(end_s)


@pytest.mark.parametrize(
    "periods",
    [
        [],
        [(1, 0, 0)],
        [(0, 1e6, 0)],
        [(1, -1, 0)],
        [(1, 1e6, -0.1)],
        [(float("nan"), 1e6, 0)],
        [(1, float("inf"), 0)],
    ],
)
def test_a_link_that_would_never_deliver_is_refused(periods: list[tuple[float, float, float]]) -> None:
    with pytest.raises(TraceError):
        Trace([Period(*period) for period in periods])


durations = st.floats(0.05, 20)
bandwidths = st.one_of(st.just(0.0), st.floats(1e4, 1e8))
latencies = st.floats(0, 0.5)
traces = (
    st.lists(st.builds(Period, durations, bandwidths, latencies), min_size=1, max_size=8)
    .filter(lambda periods: any(period.bandwidth_bps for period in periods))
    .map(Trace)
)


@settings(deadline=None, print_blob=True)
@given(traces, st.floats(0, 500), st.integers(1, 20_000_000))
def test_what_has_arrived_at_the_end_is_what_was_asked(trace: Trace, start_s: float, size_bytes: int) -> None:
    first_byte_s, end_s = trace.first_byte_s(start_s), trace.transfer(start_s, size_bytes).end_s
    assert start_s <= first_byte_s <= end_s
    assert trace.arrived_bytes(first_byte_s, end_s) == pytest.approx(size_bytes, rel=1e-6, abs=0.1)


@settings(deadline=None, print_blob=True)
@given(traces, st.floats(0, 500), st.integers(0, 2_000_000), st.integers(0, 2_000_000))
def test_two_halves_of_a_body_end_where_the_whole_does(
    trace: Trace, start_s: float, first_bytes: int, rest_bytes: int
) -> None:
    middle_s = trace.end_s(start_s, first_bytes)
    whole_s = trace.end_s(start_s, first_bytes + rest_bytes)
    assert middle_s <= whole_s + 1e-9
    assert trace.arrived_bytes(middle_s, whole_s) == pytest.approx(rest_bytes, rel=1e-6, abs=0.1)
