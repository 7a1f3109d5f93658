"""What a successful unsafe request makes invalid (RFC 9111, 4.4; RFC 9875, 3)."""

from __future__ import annotations

from edge.fields import joined
from edge.message import Request, ResponseHead
from edge.storing import local_target
from edge.structured import parse_strings

_SAFE = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))  # RFC 9110, 9.2.1


def invalidates(request: Request, head: ResponseHead) -> bool:
    """The request may have changed something: it is unsafe, and the answer is no error."""
    return request.method not in _SAFE and 200 <= head.status < 400


def other_targets(request: Request, head: ResponseHead) -> list[bytes]:
    """The targets of Location and Content-Location, where they are of the same origin."""
    locations = (head.field(name) for name in (b"location", b"content-location"))
    targets = [local_target(request, location) for location in locations if location is not None]
    return [target for target in targets if target is not None]


def groups(head: ResponseHead) -> tuple[bytes, ...]:
    """The groups whose responses are invalid now (Cache-Group-Invalidation)."""
    return parse_strings(joined(head.fields, b"cache-group-invalidation") or b"")
