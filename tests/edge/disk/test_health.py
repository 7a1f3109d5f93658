"""When a failing disk is used again."""

from __future__ import annotations

from edge.disk.health import Fitness, Health


def pauses_s(health: Health, now_s: float, count: int) -> list[int]:
    """The seconds between failing probes."""
    found = []
    for _ in range(count):
        pause_s = 0
        while not health.is_probe_due(now_s):
            now_s += 1
            pause_s += 1
        found.append(pause_s)
        health.probed(now_s, is_well=False)
    return found


def test_a_failure_is_news_once_and_only_a_worse_one_is_news_again() -> None:
    health = Health()
    assert (health.may_read, health.may_write) == (True, True)
    assert health.failed(Fitness.NO_WRITING, 0)
    assert not health.failed(Fitness.NO_WRITING, 1)
    assert (health.may_read, health.may_write) == (True, False)
    assert health.failed(Fitness.OUT, 2)
    assert not health.failed(Fitness.NO_WRITING, 3)
    assert (health.may_read, health.may_write) == (False, False)


def test_probes_come_ever_later_up_to_a_minute() -> None:
    health = Health()
    assert not health.is_probe_due(1e9)
    health.failed(Fitness.NO_WRITING, 100.0)
    assert pauses_s(health, 100.0, 8) == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_disk_that_fails_again_soon_waits_longer_and_a_steady_one_does_not() -> None:
    health = Health()
    health.failed(Fitness.NO_WRITING, 100.0)
    health.probed(101.0, is_well=True)
    assert (health.may_write, health.is_probe_due(1e9)) == (True, False)
    assert health.failed(Fitness.OUT, 102.0)
    assert pauses_s(health, 102.0, 1) == [2]
    health.probed(110.0, is_well=True)
    health.failed(Fitness.OUT, 171.0)
    assert pauses_s(health, 171.0, 1) == [1]
