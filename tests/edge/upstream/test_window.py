"""What was counted in the last seconds."""

from __future__ import annotations

import random

from edge.upstream.window import Window
from tests.edge.messages import NOW_S


def test_what_is_older_than_the_window_is_forgotten() -> None:
    window = Window(10.0)
    window.add(NOW_S)
    assert [window.total(NOW_S + later_s) for later_s in (0, 5, 8.9, 10.0, 1e6)] == [1, 1, 1, 0, 0]


def test_a_clock_that_was_set_back_forgets_everything() -> None:
    window = Window(10.0)
    window.add(NOW_S)
    assert window.total(NOW_S - 3600) == 0
    window.add(NOW_S - 3600)
    assert window.total(NOW_S - 3600) == 1


def test_a_total_is_that_of_a_list_of_moments_to_a_bucket() -> None:
    seed = random.randrange(2**32)
    chance, window, moments, now_s = random.Random(seed), Window(10.0), list[float](), NOW_S
    for _ in range(2000):
        now_s += chance.choice((0.0, 0.01, 0.3, 2.5, 12.0))
        if chance.random() < 0.7:
            window.add(now_s)
            moments.append(now_s)
        recent = sum(moment > now_s - 9.0 for moment in moments)
        within = sum(moment > now_s - 10.0 for moment in moments)
        assert recent <= window.total(now_s) <= within, f"seed {seed}"


def test_what_was_cleared_is_gone() -> None:
    window = Window(10.0)
    window.add(NOW_S)
    window.clear()
    assert window.total(NOW_S) == 0
