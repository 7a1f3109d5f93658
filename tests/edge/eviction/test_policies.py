"""What every eviction policy keeps, whatever it evicts. A new policy is under this test at once."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from edge.eviction import POLICIES, EvictionPolicy

CAPACITY_BYTES = 20
KEYS = st.integers(0, 12)
THOROUGH = settings(
    max_examples=60, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class Contract(RuleBasedStateMachine):
    """A tier of twenty bytes; `held` is what the policy's own answers say that it holds."""

    name: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.policy: EvictionPolicy = POLICIES[self.name](CAPACITY_BYTES)
        self.held: dict[object, int] = {}

    @rule(key=KEYS, size_bytes=st.integers(0, CAPACITY_BYTES))
    def admit(self, key: int, size_bytes: int) -> None:
        if key in self.held:
            return
        victims = self.policy.admit(key, size_bytes)
        assert len(set(victims)) == len(victims)
        self.held[key] = size_bytes
        for victim in victims:
            assert victim in self.held, "a victim was held"
            del self.held[victim]

    @rule(key=KEYS)
    def admit_what_is_larger_than_the_tier(self, key: int) -> None:
        if key not in self.held:
            assert self.policy.admit(key, CAPACITY_BYTES + 1) == [key]

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def hit(self, data: st.DataObject) -> None:
        self.policy.hit(data.draw(st.sampled_from(list(self.held))))

    @rule(key=st.integers(100, 101))
    def hit_what_was_never_held(self, key: int) -> None:
        self.policy.hit(key)

    @rule(key=KEYS)
    def forget(self, key: int) -> None:
        self.policy.forget(key)
        self.policy.forget(key)
        self.held.pop(key, None)

    @invariant()
    def it_holds_what_it_said_within_its_capacity(self) -> None:
        assert {key for key in [*range(13), 100, 101] if key in self.policy} == set(self.held)
        assert len(self.policy) == len(self.held)
        assert self.policy.used_bytes == sum(self.held.values()) <= CAPACITY_BYTES


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_keeps_its_contract(name: str) -> None:
    run_state_machine_as_test(type(f"Contract of {name}", (Contract,), {"name": name}), settings=THOROUGH)


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_evicts_again_after_it_was_emptied(name: str) -> None:
    policy = POLICIES[name](2)
    for round_number in range(3):
        for key in ("a", "b"):
            assert policy.admit((round_number, key), 1) == []
        for key in ("b", "a"):
            policy.forget((round_number, key))
    assert policy.used_bytes == 0
    assert policy.admit("last", 2) == []
