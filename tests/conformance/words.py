"""The words in which the table is written: what the origin says, what a client sends, what it must get.

A row is a story of steps on one cold edge. Its clock starts at START_S and moves only where a step says so:
ages are exact. Knows nothing of the product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from enum import Enum

START_S = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
BODY = b"0123456789"

Value = str | tuple[str, ...]  # several: as many field lines


class Special(Enum):
    PRESENT = "present"  # a field that must be there, whatever it says
    DEAD = "dead"  # an origin whose port is closed, from this step on


PRESENT, DEAD = Special.PRESENT, Special.DEAD

Want = str | None | Special | Callable[[str], bool]  # None: the field must be absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the origin says, whatever it was asked."""

    status: int = 200
    fields: Mapping[str, Value] = field(default_factory=dict)
    body: bytes = BODY
    delay_s: float = 0.0  # passes between question and answer
    is_dated: bool = True
    is_chunked: bool = False  # no length is announced
    cut_after: int | None = None  # bytes after which the connection breaks
    raw: bytes = b""  # the answer byte for byte, over sockets
    interim: tuple[tuple[int, tuple[str, str]], ...] = ()  # 1xx before it, each with a field

    def to(self, method: str, asked: Mapping[str, str]) -> Answer:  # noqa: ARG002
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Answer):
    """An origin that honours conditions and single ranges, as RFC 9110 (13 and 14) asks of it."""

    def to(self, method: str, asked: Mapping[str, str]) -> Answer:
        etag = str(self.fields.get("etag", ""))
        modified = str(self.fields.get("last-modified", ""))
        tags = asked.get("if-none-match")
        since = asked.get("if-modified-since")
        if tags is not None:
            is_known = bool(etag) and etag.removeprefix("W/") in tags.replace("W/", "").split(", ")
        else:
            is_known = since is not None and since == modified
        if is_known:
            return replace(self, status=304, body=b"")
        condition = asked.get("if-range")
        if "range" not in asked or method != "GET" or condition not in (None, etag, modified):
            return self
        return self._part(asked["range"].removeprefix("bytes="))

    def _part(self, wanted: str) -> Answer:
        size = len(self.body)
        first, _, last = wanted.partition("-")
        begin = int(first) if first else max(0, size - int(last))
        end = min(int(last), size - 1) if first and last else size - 1
        if "," in wanted:
            return self
        if begin >= size:
            return replace(
                self, status=416, body=b"", fields={**self.fields, "content-range": f"bytes */{size}"}
            )
        said = {**self.fields, "content-range": f"bytes {begin}-{end}/{size}"}
        return replace(self, status=206, body=self.body[begin : end + 1], fields=said)


Origin = (
    Answer | Special | Sequence[Answer] | None
)  # a sequence: asked so many times; None: must not be asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A client's request, what the origin says to it, and what must come of it."""

    # What is sent.
    after_s: float
    method: str
    at: str  # what follows the row's own path
    sent: Mapping[str, Value]
    body: bytes
    raw: bytes  # the request byte for byte, in place of the above
    # What the origin has to do with it.
    origin: tuple[Answer, ...]
    dies: bool
    may_ask: bool  # the RFC leaves it open whether the origin is asked
    behind: bool  # it is asked behind the back of a client that was answered
    asked: Mapping[str, Want]  # fields of its first question
    asked_method: str
    asked_body: bytes | None
    asked_target: str
    # What must come.
    status: tuple[int, ...]
    gets: Mapping[str, Want]
    gives: tuple[bytes, ...] | None  # any of these bodies; None: any at all
    parts: Mapping[str, bytes] | None  # a multipart body: Content-Range -> bytes
    is_cut: bool | None  # None: it may be
    age: int | None
    cache: str  # parameters of this cache's member of Cache-Status; "!stored": without
    hints: tuple[tuple[int, tuple[str, str]], ...]  # each interim response, with a field of it
    is_closed: bool  # the connection ends with the answer


@dataclass(frozen=True, slots=True)
class Row:
    """One rule, or one boundary of a rule."""

    id: str
    section: str
    steps: tuple[Step, ...]
    sockets_only: str = ""  # the reason, where the core has no part in the rule


def at(offset_s: float) -> str:
    """The HTTP-date so many seconds after the row's start."""
    return formatdate(START_S + offset_s, usegmt=True)


def named(fields: Mapping[str, Value | None]) -> dict[str, Value]:
    return {name.replace("_", "-"): value for name, value in fields.items() if value is not None}


def says(
    cache_control: Value | None = None,
    *,
    status: int = 200,
    body: bytes = BODY,
    delay_s: float = 0.0,
    is_dated: bool = True,
    is_chunked: bool = False,
    cut_after: int | None = None,
    interim: tuple[tuple[int, tuple[str, str]], ...] = (),
    **fields: Value | None,
) -> Answer:
    """What the origin says: Cache-Control first, for it is what most rows are about."""
    return Answer(
        status=status,
        fields=named({"cache_control": cache_control, **fields}),
        body=b"" if status in (204, 304) else body,
        delay_s=delay_s,
        is_dated=is_dated,
        is_chunked=is_chunked,
        cut_after=cut_after,
        interim=interim,
    )


def holds(
    cache_control: Value | None = None,
    *,
    body: bytes = BODY,
    cut_after: int | None = None,
    **fields: Value | None,
) -> Resource:
    """An origin that holds one representation and honours conditions and ranges."""
    return Resource(fields=named({"cache_control": cache_control, **fields}), body=body, cut_after=cut_after)


def ask(
    origin: Origin = None,
    *,
    method: str = "GET",
    at: str = "",
    sent: Mapping[str, Value] | None = None,
    body: bytes = b"",
    raw: bytes = b"",
    after: float = 0,
    may_ask: bool = False,
    behind: bool = False,
    asked: Mapping[str, Want] | None = None,
    asked_method: str = "",
    asked_body: bytes | None = None,
    asked_target: str = "",
    status: int | tuple[int, ...] | None = None,
    gets: Mapping[str, Want] | None = None,
    gives: bytes | tuple[bytes, ...] | None = None,
    parts: Mapping[str, bytes] | None = None,
    is_cut: bool | None = False,
    age: int | None = None,
    cache: str = "",
    hints: tuple[tuple[int, tuple[str, str]], ...] = (),
    is_closed: bool = False,
) -> Step:
    """One step. What it does not say follows from what the origin says: its status and its body."""
    answers = _answers(origin)
    source = answers[-1] if answers and not behind and not may_ask else None
    if status is None:
        status = source.status if source is not None and not isinstance(source, Resource) else 200
    if gives is None and parts is None and not is_cut and not (source is not None and source.raw):
        gives = _default_body(method, status, source)
    return Step(
        after_s=after,
        method=method,
        at=at,
        sent=dict(sent or {}),
        body=body,
        raw=raw,
        origin=answers,
        dies=origin is DEAD,
        may_ask=may_ask,
        behind=behind,
        asked=dict(asked or {}),
        asked_method=asked_method,
        asked_body=asked_body,
        asked_target=asked_target,
        status=(status,) if isinstance(status, int) else status,
        gets=dict(gets or {}),
        gives=(gives,) if isinstance(gives, bytes) else gives,
        parts=parts,
        is_cut=is_cut,
        age=age,
        cache=cache,
        hints=hints,
        is_closed=is_closed,
    )


def _answers(origin: Origin) -> tuple[Answer, ...]:
    if origin is None or isinstance(origin, Special):
        return ()
    return (origin,) if isinstance(origin, Answer) else tuple(origin)


def _default_body(method: str, status: int | tuple[int, ...], source: Answer | None) -> bytes | None:
    if method == "HEAD" or status in (204, 304):
        return b""
    if source is None:
        return BODY if status == 200 else None
    return source.body if status == source.status else None


def hit(*, cache: str = "", age: int | None = None, after: float = 0, **more: object) -> Step:
    """Answered from the store; the origin is not asked."""
    return ask(None, cache=f"hit; {cache}".rstrip("; "), age=age, after=after, **more)  # type: ignore[arg-type]


def miss(origin: Answer, *, cache: str = "", after: float = 0, **more: object) -> Step:
    """Answered by the origin, which was asked for the whole without conditions."""
    unconditional: dict[str, Want] = {"if-none-match": None, "if-modified-since": None}
    asked = {**unconditional, **more.pop("asked", {})}  # type: ignore[dict-item]
    return ask(origin, cache=f"fwd; {cache}".rstrip("; "), after=after, asked=asked, **more)  # type: ignore[arg-type]


def row(rule: str, section: str, *steps: Step, sockets_only: str = "") -> Row:
    """`rule` in words; the section goes before it to make the id, that of RFC 9111 without the RFC."""
    return Row(
        f"{section.removeprefix('9111 ').replace(' ', '-')}-{rule}", f"RFC {section}", steps, sockets_only
    )


# Stories that many rows tell.


def kept(rule: str, section: str, answer: Answer, **sent: str) -> Row:
    """`answer` is stored, and used again a second later."""
    fields = named(dict(sent))
    return row(
        rule,
        section,
        miss(answer, sent=fields, cache="stored"),
        hit(after=1, sent=fields, status=answer.status, gives=answer.body),
    )


def not_kept(rule: str, section: str, answer: Answer, **sent: str) -> Row:
    """`answer` is not stored: the same request a second later is asked again, without conditions."""
    fields = named(dict(sent))
    return row(
        rule,
        section,
        miss(answer, sent=fields, cache="!stored"),
        miss(says("max-age=60", body=b"the next"), after=1, sent=fields),
    )


def fresh_for(lifetime_s: int, rule: str, section: str, answer: Answer) -> Row:
    """`answer` is used without a word to the origin until its age reaches `lifetime_s`, and no longer."""
    after_s = lifetime_s - 1
    return row(
        rule,
        section,
        ask(answer, cache="fwd"),
        hit(after=after_s, age=after_s, cache="ttl=1", status=answer.status, gives=answer.body),
        ask(says("no-store", body=b"newer"), after=1, cache="fwd=stale"),
    )


def never_fresh(rule: str, section: str, answer: Answer) -> Row:
    """`answer` is used no second time without asking the origin."""
    return row(
        rule, section, ask(answer, cache="fwd"), ask(says("no-store", body=b"newer"), after=1, cache="fwd")
    )
