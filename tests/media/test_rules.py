"""The rules: a good title keeps them all, and what breaks one of them is found by that one alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from media.facts.model import Address, Decoded, Got, Stream, Want
from media.rules import RULES
from media.rules.base import Severity
from media.validation import gather, judge, with_decoded
from tests.media.mutations import DEEP, MUTATIONS
from tests.media.validated import BASE, DASH, HLS, LIVE, build, findings
from tests.needs import ROOT


@pytest.mark.parametrize("manifests", [(HLS,), (DASH,), (HLS, DASH), (LIVE,)], ids="+".join)
def test_a_good_title_keeps_every_rule(manifests: tuple[str, ...]) -> None:
    assert findings(build(), *manifests) == []


@pytest.mark.parametrize("rule", [rule.id for rule in RULES if rule.id not in DEEP])
def test_what_breaks_a_rule_is_found_by_it_alone(rule: str) -> None:
    case = MUTATIONS[rule]
    found = findings(case.make(), *case.manifests)
    assert {finding.rule for finding in found} == {rule}, found
    assert all(finding.where and finding.what for finding in found)


def test_every_mutation_is_of_a_rule() -> None:
    assert MUTATIONS.keys() <= {rule.id for rule in RULES}


def test_identifiers_are_unique_and_rules_are_sentences() -> None:
    assert [name for name, count in Counter(rule.id for rule in RULES).items() if count > 1] == []
    for rule in RULES:
        assert rule.text.endswith(".")
        assert rule.section


def test_the_list_in_the_docs_is_the_table() -> None:
    lines = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert rows == [f"| `{r.id}` | {r.severity} | {r.text} | {r.section} |" for r in RULES]


def _stream() -> Stream:
    files, gathering = build(), gather([BASE + HLS])
    wants: list[Want] = next(gathering)
    while True:
        data = [files[want.uri.removeprefix(BASE)] for want in wants]
        answers = [
            Got(d[w.first : None if w.length is None else w.first + w.length], len(d))
            for w, d in zip(wants, data, strict=True)
        ]
        try:
            wants = gathering.send(answers)
        except StopIteration as end:
            stream: Stream = end.value
            return stream


GOOD = Decoded(frames=100, starts_with_key_frame=True)
DECODED = [  # what a decoder says of one segment, the rules it breaks
    pytest.param(GOOD, set(), id="good"),
    pytest.param(replace(GOOD, problem="does not decode"), {"deep-decodes"}, id="deep-decodes"),
    pytest.param(replace(GOOD, frames=99), {"deep-frames"}, id="deep-frames"),
    pytest.param(replace(GOOD, starts_with_key_frame=False), {"deep-key-frame"}, id="deep-key-frame"),
]


@pytest.mark.parametrize(("decoded", "rules"), DECODED)
def test_what_a_decoder_says_is_judged(decoded: Decoded, rules: set[str]) -> None:
    stream = _stream()
    said: dict[Address, Decoded] = {(f"{BASE}540p/2.m4s", None): decoded}
    assert {finding.rule for finding in judge(with_decoded(stream, said))} == rules


def test_the_deep_rules_are_those_that_need_a_decoder() -> None:
    assert {rule.id for rule in RULES} - MUTATIONS.keys() == set(DEEP)


def test_severities_are_two() -> None:
    assert {rule.severity for rule in RULES} == set(Severity)
