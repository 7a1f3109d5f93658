"""Header fields as the cache reads them: Cache-Control directives, dates, Age, lists (RFC 9110, 9111).

Names are lower-case bytes, values bytes, as they are on the wire.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache

Fields = tuple[tuple[bytes, bytes], ...]
Directives = dict[str, str | None]  # name in lower case -> argument, unquoted

# RFC 9110, 7.6.1: meant for one connection only, never stored, never forwarded.
HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)

_DIRECTIVE = re.compile(r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?""")
_OF_LISTS = re.compile(r'[\\",]')
_MAX_DELTA_S = 2**31  # RFC 9111, 1.2.2: what is larger counts as this
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_YEAR_S = 31_556_952  # of the Gregorian calendar, on average
_WRITTEN_S = 1_577_836_800.0  # 2020: the present of those who have no better one
_IMF_DATE = re.compile(r"[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT", re.I)
_RFC850_DATE = re.compile(r"[A-Z][a-z]+, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT", re.I)
_ASCTIME_DATE = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})", re.I)


def first(fields: Fields, name: bytes) -> bytes | None:
    """The value of the first field of that name."""
    return next((value for key, value in fields if key == name), None)


def joined(fields: Fields, name: bytes) -> bytes | None:
    """All values of that name as one list (RFC 9110, 5.3), or None where there is none."""
    values = [value for key, value in fields if key == name]
    return b", ".join(values) if values else None


@lru_cache(maxsize=1024)
def parse_directives(value: bytes | None) -> Directives:
    """Cache-Control's directives (RFC 9111, 5.2); the first of two equal names counts."""
    directives: Directives = {}
    for member in _members((value or b"").decode("latin-1")):
        match = _DIRECTIVE.fullmatch(member.strip())
        if match is not None:
            quoted, plain = match[2], match[3]
            argument = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            directives.setdefault(match[1].lower(), argument)
    return directives


def _members(text: str) -> Iterator[str]:
    """The members of a list, cut at the commas outside quoted strings (RFC 9110, 5.6.1); one pass."""
    start, escaped, is_quoted = 0, -1, False
    for match in _OF_LISTS.finditer(text):
        position, character = match.start(), match[0]
        if position == escaped:
            continue
        if character == "\\":
            escaped = position + 1 if is_quoted else -1
        elif character == '"':
            is_quoted = not is_quoted
        elif not is_quoted:
            yield text[start:position]
            start = position + 1
    yield from text[start:].split(",") if is_quoted else [text[start:]]  # a quote that nobody closed is none


def delta_seconds(argument: str | None) -> int | None:
    """A non-negative whole number of seconds (RFC 9111, 1.2.2), or None where it is none."""
    if argument is None or not (argument.isascii() and argument.isdigit()):
        return None
    return min(int(argument[:12]), _MAX_DELTA_S)


def parse_date(value: bytes | None, now_s: float | None = None) -> float | None:
    """Seconds since the epoch of an HTTP-date in any of its three forms (RFC 9110, 5.6.7), or None.

    Upper and lower case count as one (RFC 9111, 4.2). A year of two digits is of the century of `now_s`, or
    of the one before if it would be over 50 years ahead.
    """
    now_s = _WRITTEN_S if now_s is None else now_s
    century = (1970 + int(now_s // _YEAR_S)) // 100
    moment_s, is_short = _read_date(value, century)
    if is_short and moment_s is not None and moment_s > now_s + 50 * _YEAR_S:
        moment_s, _ = _read_date(value, century - 1)
    return moment_s


@lru_cache(maxsize=1024)
def _read_date(value: bytes | None, century: int) -> tuple[float | None, bool]:
    """The moment, and whether its year was told by two digits."""
    text = (value or b"").decode("latin-1").strip()
    is_short = False
    if match := _IMF_DATE.fullmatch(text):
        day, month, year, *clock = match.groups()
    elif match := _RFC850_DATE.fullmatch(text):
        day, month, short_year, *clock = match.groups()
        year, is_short = f"{century}{short_year}", True
    elif match := _ASCTIME_DATE.fullmatch(text):
        month, day, *clock, year = match.groups()
    else:
        return None, False
    hour, minute, second = map(int, clock)
    try:
        moment = datetime(int(year), _MONTHS[month.capitalize()], int(day), hour, minute, second, tzinfo=UTC)
    except (KeyError, ValueError):
        return None, False
    return moment.timestamp(), is_short


@lru_cache(maxsize=8)
def format_date(epoch_s: int) -> bytes:
    """An IMF-fixdate (RFC 9110, 5.6.7)."""
    return formatdate(epoch_s, usegmt=True).encode()


def list_members(value: bytes | None) -> list[bytes]:
    """The members of a comma-separated list of tokens, in lower case (RFC 9110, 5.6.1)."""
    return [member.strip().lower() for member in (value or b"").split(b",") if member.strip()]


def end_to_end(fields: Fields) -> Fields:
    """The fields without those of one connection, named by the standard or by Connection itself."""
    named = set(list_members(joined(fields, b"connection")))
    return tuple(field for field in fields if field[0] not in HOP_BY_HOP and field[0] not in named)
