"""Tells a row's story to an edge and holds each step against what came: the same for sockets and core."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.conformance.words import START_S, Answer, Row, Special, Step, Value, Want

_PATIENCE_S = 3.0
_HOP_BY_HOP = ("keep-alive", "proxy-connection", "te", "trailer", "upgrade")


class Clock:
    """Wall-clock seconds that pass only when a row says so."""

    def __init__(self) -> None:
        self.now_s = START_S

    def __call__(self) -> float:
        return self.now_s


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the origin got it; several lines of one name are joined."""

    method: str
    target: str
    fields: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Got:
    """An answer as the client got it."""

    status: int
    fields: Mapping[str, str]
    body: bytes = b""
    is_cut: bool = False  # its body broke off
    is_closed: bool = False  # the connection ended with it
    interim: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)


@dataclass(slots=True)
class Script:
    """The origin's part: what it was asked, and what it says next."""

    clock: Clock
    planned: deque[Answer] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if not self.planned:
            return Answer(status=500, fields={"cache-control": "no-store"}, body=b"nothing was to be asked")
        answer = self.planned.popleft().to(asked.method, asked.fields)
        self.clock.now_s += answer.delay_s
        return answer


class Edge(Protocol):
    """An edge under test, in front of an origin that follows `script`."""

    script: Script

    async def ask(self, request: bytes, method: str) -> Got: ...

    async def kill_origin(self) -> None: ...

    async def rest(self, asked: int, patience_s: float) -> None:
        """Returns when the origin was asked so often, or after `patience_s`, and no fetch is under way."""


async def tell(story: Row, edge: Edge) -> None:
    for number, step in enumerate(story.steps, start=1):
        try:
            await _take(step, edge)
        except AssertionError as error:
            error.add_note(f"in step {number} of {len(story.steps)} of {story.id} ({story.section})")
            raise


async def _take(step: Step, edge: Edge) -> None:
    script = edge.script
    script.clock.now_s += step.after_s
    script.planned = deque(step.origin)
    before = len(script.asked)
    if step.dies:
        await edge.kill_origin()
    got = await edge.ask(step.raw or request_bytes(step), step.method)
    await edge.rest(before + len(step.origin) if step.behind else 0, _PATIENCE_S)
    _hold_asked(step, script.asked[before:])
    _hold_answer(step, got)
    _hold_cache_status(step, got, was_asked=len(script.asked) > before)
    _hold_whatever_the_row(got)


def request_bytes(step: Step) -> bytes:
    fields: dict[str, Value] = {"host": "edge.example", **step.sent}
    if step.body and "transfer-encoding" not in fields:
        fields["content-length"] = str(len(step.body))
    return head_bytes(f"{step.method} /it{step.at} HTTP/1.1", fields) + step.body


def head_bytes(start: str, fields: Mapping[str, Value]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in field_lines(fields))
    return f"{start}\r\n{lines}\r\n".encode("latin-1")


def field_lines(fields: Mapping[str, Value]) -> list[tuple[str, str]]:
    return [
        (name, line)
        for name, value in fields.items()
        for line in ((value,) if isinstance(value, str) else value)
    ]


def _hold_asked(step: Step, asked: Sequence[Asked]) -> None:
    if step.may_ask:
        assert len(asked) <= len(step.origin), f"the origin was asked {asked}"
        return
    assert len(asked) == len(step.origin), f"the origin was asked {len(asked)} times: {asked}"
    if asked:
        _hold_fields("asked", step.asked, asked[0].fields)
        assert step.asked_method in ("", asked[0].method)
        assert step.asked_target in ("", asked[0].target)
        assert step.asked_body in (None, asked[0].body)


def _hold_fields(where: str, wanted: Mapping[str, Want], found: Mapping[str, str]) -> None:
    for name, want in wanted.items():
        value = found.get(name)
        if want is None:
            assert value is None, f"{where}: {name}: {value} should be absent"
        elif want is Special.PRESENT:
            assert value is not None, f"{where}: {name} is missing"
        elif isinstance(want, str):
            assert value == want, f"{where}: {name}: {value!r} instead of {want!r}"
        elif not isinstance(want, Special):
            assert value is not None and want(value), f"{where}: {name}: {value!r}"  # noqa: PT018


def _hold_answer(step: Step, got: Got) -> None:
    assert got.status in step.status or (step.is_cut and got.status == 502), (
        f"{got.status} {dict(got.fields)} {got.body[:80]!r}"
    )
    _hold_fields("answered", step.gets, got.fields)
    if step.is_cut:  # or it is known before the head went out
        assert got.is_cut or got.status == 502, "the body was not cut"
    elif step.is_cut is not None:
        assert not got.is_cut, "the body was cut"
    if step.gives is not None:
        assert got.body in step.gives, f"the body is {got.body[:80]!r}"
    if step.parts is not None:
        assert parts_of(got) == step.parts
    if step.age is not None:
        assert got.fields.get("age") == str(step.age), f"Age: {got.fields.get('age')}"
    came = [status for status, _ in got.interim]
    assert came == [status for status, _ in step.hints], f"interim answers: {came}"
    for (_, (name, value)), (_, fields) in zip(step.hints, got.interim, strict=True):
        assert fields.get(name, "") == value
    assert got.is_closed or not step.is_closed, "the connection was left open"


def parts_of(got: Got) -> dict[str, bytes]:
    """Content-Range and bytes of each part of a multipart/byteranges body (RFC 9110, 14.6)."""
    kind = re.fullmatch(r'multipart/byteranges;\s*boundary="?([^";]+)"?', got.fields.get("content-type", ""))
    assert kind is not None, f"not a multipart: {dict(got.fields)}"
    assert "content-range" not in got.fields, "a multipart says its ranges in its parts (15.3.7.2)"
    delimiter = b"\r\n--" + kind[1].encode()
    _, *parts, end = (b"\r\n" + got.body).split(delimiter)
    assert end.startswith(b"--"), "the closing delimiter is missing"
    found = {}
    for part in parts:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        said = re.search(rb"^content-range: *(.*?)\r?$", head, re.IGNORECASE | re.MULTILINE)
        assert said is not None, f"a part without Content-Range: {head!r}"
        found[said[1].decode()] = content
    return found


def cache_members(value: str) -> list[dict[str, str]]:
    """The members of Cache-Status, each with its parameters; one without a value has ""."""
    members = []
    for member in _split(value, ","):
        name, *parameters = (part.strip() for part in _split(member, ";"))
        pairs = (parameter.partition("=") for parameter in parameters)
        members.append({"": name.strip(), **{key: argument for key, _, argument in pairs}})
    return members


def _split(text: str, separator: str) -> list[str]:
    """`text` cut at the separators outside quoted strings."""
    return re.findall(rf'(?:"(?:[^"\\]|\\.)*"|[^"{separator}])+', text)


def _hold_cache_status(step: Step, got: Got, *, was_asked: bool) -> None:
    assert "cache-status" in got.fields, "there is no Cache-Status"
    member = cache_members(got.fields["cache-status"])[-1]
    assert not {"hit", "fwd"} <= member.keys(), f"hit and fwd exclude each other (RFC 9211, 2.2): {member}"
    if "hit" in member:
        assert "age" in got.fields, "a stored answer has an Age (RFC 9111, 5.1)"
        assert not was_asked or step.behind or step.may_ask, "what went forward is no hit (RFC 9211, 2.1)"
    for wanted in filter(None, step.cache.split("; ")):
        name, _, argument = wanted.partition("=")
        if name.startswith("!"):
            assert name[1:] not in member, f"Cache-Status: {member}"
        else:
            assert name in member, f"no {name} in Cache-Status: {member}"
            assert argument in ("", member[name]), f"Cache-Status: {member} instead of {wanted}"


def _hold_whatever_the_row(got: Got) -> None:
    """What no answer may lack or have, whatever the row is about."""
    assert "date" in got.fields, "an answer has a Date (RFC 9110, 6.6.1)"
    for name in _HOP_BY_HOP:
        assert name not in got.fields, f"{name} is for one connection only (RFC 9110, 7.6.1)"
    if "age" in got.fields:
        assert re.fullmatch(r"\d+", got.fields["age"]), f"Age: {got.fields['age']}"
    if got.status in (204, 304):
        assert got.body == b""
    if got.status == 204:
        assert "content-length" not in got.fields, "a 204 has no Content-Length (RFC 9110, 8.6)"
