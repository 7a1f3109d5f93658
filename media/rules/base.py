"""What a rule is: a sentence of some standard, and a function from facts to where it is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from media.facts.model import Stream

Found = Iterator[tuple[str, str]]  # where, and what is wrong there


class Severity(StrEnum):
    """As RFC 2119 has the words; "should" also where a standard says MUST of what most players forgive."""

    MUST = "must"
    SHOULD = "should"


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    severity: Severity
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    severity: Severity
    section: str
    text: str  # one sentence, as an order
    check: Callable[[Stream], Found]

    def findings(self, stream: Stream) -> list[Finding]:
        return [Finding(self.id, self.severity, where, what) for where, what in self.check(stream)]


def must(rule_id: str, section: str, text: str, check: Callable[[Stream], Found]) -> Rule:
    return Rule(rule_id, Severity.MUST, section, text, check)


def should(rule_id: str, section: str, text: str, check: Callable[[Stream], Found]) -> Rule:
    return Rule(rule_id, Severity.SHOULD, section, text, check)
