"""Where an upstream is, as configuration writes it: `http://HOST:PORT weight=2`, `unix:/run/edge.sock`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

_WEIGHT = re.compile(r"weight=(\d{1,9}(?:\.\d{1,6})?)")


class PlaceError(ValueError):
    """No upstream is written as `text` is; the message says how one is."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(reason)
        self.text = text


@dataclass(frozen=True, slots=True)
class Place:
    """One upstream. `url` comes before every target; `socket`, if any, is where the connection goes."""

    label: str  # for log and metrics, and what the hash sees: no user name, no password
    url: str
    weight: float = 1.0
    socket: str = ""


def parse_place(text: str) -> Place:
    """Raises PlaceError with the way out."""
    where, _, option = text.strip().partition(" ")
    match = _WEIGHT.fullmatch(option.strip()) if option else None
    if option and (match is None or float(match[1]) == 0):
        raise PlaceError(text, "after a space comes a weight above 0, such as http://127.0.0.1:8000 weight=2")
    weight = float(match[1]) if match else 1.0
    if where.startswith("unix:"):
        return _parse_socket(where, weight)
    try:
        parts = urlsplit(where)
        is_usable = parts.port != 0 and bool(parts.hostname)
    except ValueError:
        is_usable = False
    if not is_usable or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise PlaceError(text, "write a URL such as http://127.0.0.1:8000")
    netloc = parts.netloc.rpartition("@")[2]
    label = f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"
    return Place(label, where.rstrip("/"), weight)


def _parse_socket(where: str, weight: float) -> Place:
    path = where.removeprefix("unix:")
    if not PurePosixPath(path).is_absolute():
        raise PlaceError(where, "write unix: and a socket's whole path, such as unix:/run/penstock/edge.sock")
    return Place(where, "http://localhost", weight, path)


def parse_places(upstream: str | Sequence[str]) -> tuple[Place, ...]:
    """One upstream or several, each once. Raises PlaceError."""
    texts = [upstream] if isinstance(upstream, str) else upstream
    if not texts:
        raise PlaceError("", "name at least one upstream")
    places: dict[str, Place] = {}
    for text in texts:
        place = parse_place(text)
        if place.label in places:
            raise PlaceError(text, "name each upstream once; one that is to get more gets a weight")
        places[place.label] = place
    return tuple(places.values())
