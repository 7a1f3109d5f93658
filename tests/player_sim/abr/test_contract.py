"""What every ABR rule keeps, whatever it is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from player_sim.abr import RULES, PlayerState
from tests.player_sim.abr.states import ladder, state

rates = st.lists(st.integers(50_000, 50_000_000), min_size=1, max_size=8, unique=True).map(sorted)


@st.composite
def states(draw: st.DrawFn) -> PlayerState:
    rungs = ladder(*draw(rates))
    max_buffer_s = draw(st.floats(1, 120))
    return state(
        ladder=rungs,
        max_buffer_s=max_buffer_s,
        buffer_s=draw(st.floats(0, max_buffer_s)),
        last=draw(st.none() | st.integers(0, len(rungs) - 1)),
        throughput_bps=draw(st.none() | st.floats(1, 1e10)),
        latency_s=draw(st.floats(0, 30)),
        segment_duration_s=draw(st.floats(0.1, 20)),
    )


@pytest.mark.parametrize("name", RULES)
@settings(deadline=None, print_blob=True)
@given(state=states())
def test_the_choice_is_a_rung_of_the_ladder(name: str, state: PlayerState) -> None:
    assert 0 <= RULES[name]().choose(state) < len(state.ladder)


@pytest.mark.parametrize("name", RULES)
@settings(deadline=None, print_blob=True)
@given(state=states())
def test_the_same_state_has_the_same_answer(name: str, state: PlayerState) -> None:
    assert RULES[name]().choose(state) == RULES[name]().choose(state)


@pytest.mark.parametrize("name", RULES)
def test_the_first_segment_is_asked_at_the_lowest_rung_when_nothing_is_known(name: str) -> None:
    assert RULES[name]().choose(state(last=None, throughput_bps=None, segment_index=0)) == 0


@pytest.mark.parametrize("name", RULES)
def test_a_full_buffer_on_a_fast_link_leads_to_the_top(name: str) -> None:
    assert RULES[name]().choose(state(buffer_s=24.0, throughput_bps=100e6, last=3)) == 3


@pytest.mark.parametrize("name", RULES)
def test_an_empty_buffer_on_a_slow_link_leads_to_the_bottom(name: str) -> None:
    assert RULES[name]().choose(state(buffer_s=0.0, throughput_bps=100e3, last=3)) == 0
