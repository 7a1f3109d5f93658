"""The viewers of a demonstration."""

from __future__ import annotations

from lab.scenario import viewers
from player_sim.abr import RULES


def test_equal_seeds_give_equal_links() -> None:
    assert [viewer.trace.periods for viewer in viewers(8, 1)] == [
        viewer.trace.periods for viewer in viewers(8, 1)
    ]
    assert [viewer.trace.periods for viewer in viewers(8, 1)] != [
        viewer.trace.periods for viewer in viewers(8, 2)
    ]


def test_more_viewers_than_kinds_have_names_of_their_own() -> None:
    names = [viewer.name for viewer in viewers(20, 1)]
    assert len(set(names)) == 20


def test_viewers_play_by_rules_that_exist() -> None:
    assert {viewer.rule for viewer in viewers(8, 1)} <= RULES.keys()
