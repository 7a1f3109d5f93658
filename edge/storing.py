"""Which responses a shared cache may keep (RFC 9111, 3), and which stored one a request selects (4.1)."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from edge.control import Control
from edge.fields import Fields, joined, list_members
from edge.freshness import HEURISTIC_STATUSES, freshness_lifetime_s
from edge.key import origin_form
from edge.message import Request, ResponseHead

_OF_ONE_REQUEST = frozenset((304, 416))  # they answer its condition or its range, which others do not share
# Statuses whose caching rules this cache implements (RFC 9111, 3; must-understand).
_UNDERSTOOD = frozenset((200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501))
# Fields that concern one client and have no part in a fetch for all: conditions, ranges, directives, CMCD.
NOT_SHARED = frozenset(
    (
        b"if-none-match",
        b"if-modified-since",
        b"if-match",
        b"if-unmodified-since",
        b"if-range",
        b"range",
        b"cache-control",
        b"pragma",
        b"cmcd-request",
        b"cmcd-object",
        b"cmcd-status",
        b"cmcd-session",
    )
)
_EXPLICIT = frozenset(("s-maxage", "max-age"))
_UNORDERED = (b"accept-language", b"accept-encoding")
_MAY_BE_AUTHORIZED = {"public", "s-maxage", "must-revalidate"}  # RFC 9111, 3.5


def may_store(request: Request, head: ResponseHead, control: Control) -> bool:
    """The response to `request` may be kept for others."""
    return not refusal(request, head, control)


def refusal(request: Request, head: ResponseHead, control: Control) -> str:
    """Why the response to `request` may not be kept for others; empty if it may."""
    if head.status < 200 or head.status in _OF_ONE_REQUEST or not _may_answer_get(request, head, control):
        return f"a {head.status} to {request.method.decode('latin-1')} is no answer for others"
    if "no-store" in request.head.directives:
        return "the request says no-store"
    if "private" in control:
        return "the response says private"
    if "must-understand" in control:
        if head.status not in _UNDERSTOOD:
            return f"the response says must-understand, and {head.status} is not understood"
    elif "no-store" in control:
        return "the response says no-store"
    if request.field(b"authorization") is not None and not control.directives.keys() & _MAY_BE_AUTHORIZED:
        return (
            "the request has Authorization, and the response does not say public, s-maxage or must-revalidate"
        )
    if b"*" in vary_names(head.fields):
        return "the response says Vary: *"
    return "" if _has_lifetime(head, control) else "the response has neither a lifetime nor a validator"


def _may_answer_get(request: Request, head: ResponseHead, control: Control) -> bool:
    """GET's answer; or POST's, if it says that it is what GET would bring (RFC 9110, 9.3.3)."""
    if request.method == b"GET":
        return True
    is_explicit = bool(_EXPLICIT & control.directives.keys()) or head.field(b"expires") is not None
    where = head.field(b"content-location")
    if request.method != b"POST" or head.status != 200 or not is_explicit or where is None:
        return False
    return local_target(request, where) == request.target


def _has_lifetime(head: ResponseHead, control: Control) -> bool:
    """Fresh for a while, or at least of use with a validator."""
    is_dated = head.field(b"expires") is not None and not control.is_targeted
    is_explicit = control.directives.keys() & (_EXPLICIT | {"public"}) or is_dated
    if not is_explicit and head.status not in HEURISTIC_STATUSES:
        return False
    has_validator = head.field(b"etag") is not None or head.field(b"last-modified") is not None
    return has_validator or freshness_lifetime_s(head, control) > 0


def vary_names(fields: Fields) -> tuple[bytes, ...]:
    """The request fields that chose this response, sorted; what no shared fetch carries chose none."""
    return tuple(sorted(set(list_members(joined(fields, b"vary"))) - NOT_SHARED))


def variant_key(key: bytes, names: tuple[bytes, ...], request: Request) -> bytes:
    """The key of the variant that `request` selects; white space around list commas does not count (4.1)."""
    if not names:
        return key
    parts = [b"\n%s:%s" % (name, _normal(name, request.field(name))) for name in names]
    return key + b"".join(parts)


def _normal(name: bytes, value: bytes | None) -> bytes:
    """An absent field and an empty one differ; the order of languages and codings says nothing."""
    if value is None:
        return b"\0"
    parts = [part.strip() for part in value.split(b",")]
    return b",".join(sorted(map(bytes.lower, parts)) if name in _UNORDERED else parts)


def _authority(text: str) -> str:
    """Host and port in their normal form: whoever ends TLS, a default port says nothing (RFC 3986, 6.2.3)."""
    return re.sub(r":(80|443)?$", "", text.lower())


def local_target(request: Request, location: bytes) -> bytes | None:
    """The request target of a URI reference that `request` was answered with; None if of another origin.

    Raises nothing: what is no URI reference is of no origin.
    """
    try:
        host = (request.field(b"host") or b"").decode("latin-1")
        base = f"http://{host}{request.target.decode('latin-1')}"
        parts = urlsplit(urljoin(base, location.decode("latin-1")))
        if parts.scheme not in ("http", "https") or _authority(parts.netloc) != _authority(host):
            return None
        return origin_form(
            ((parts.path or "/") + (f"?{parts.query}" if parts.query else "")).encode("latin-1")
        )
    except ValueError:  # also UnicodeError and TargetError
        return None
