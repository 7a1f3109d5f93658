"""Common Media Client Data (CTA-5004): what the player tells the server with each request."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from urllib.parse import quote


class Cmcd(Enum):
    """How the data travels."""

    QUERY = "query"
    HEADERS = "headers"
    OFF = "off"


# The header field that carries each key (CTA-5004, 3.3): by how often it changes.
_HEADERS = {
    "CMCD-Object": ("br", "d", "ot", "tb"),
    "CMCD-Request": ("bl", "mtp", "su"),
    "CMCD-Session": ("sf", "sid", "st"),
    "CMCD-Status": ("bs",),
}
_STRINGS = ("sid",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CmcdData:
    """One request's keys, already rounded as the standard says; None and False are left out."""

    sf: str | None  # streaming format: h for HLS, d for DASH; None: not known yet
    sid: str  # session, a UUID
    st: str = "v"  # video on demand
    ot: str  # object: m manifest, i init segment, v video, a audio, av both
    br: int | None = None  # kbit/s of the rendition
    bl: int | None = None  # ms buffered, to 100
    bs: bool = False  # the buffer ran empty since the last request
    d: int | None = None  # ms of media in the object
    mtp: int | None = None  # kbit/s measured, to 100
    su: bool = False  # needed at once: at the start or after a stall
    tb: int | None = None  # kbit/s of the highest rung


def nearest_100(value: float) -> int:
    return int(value / 100 + 0.5) * 100


def query_argument(data: CmcdData) -> str:
    """`CMCD=…`, percent-encoded, keys in alphabetical order."""
    return "CMCD=" + quote(",".join(_pairs(data).values()), safe="")


def header_fields(data: CmcdData) -> dict[str, str]:
    pairs = _pairs(data)
    named = {name: [pairs[key] for key in keys if key in pairs] for name, keys in _HEADERS.items()}
    return {name: ",".join(values) for name, values in named.items() if values}


def _pairs(data: CmcdData) -> dict[str, str]:
    """Each key that has a value, as it is written: `br=3200`, `sid="…"`, `su`."""
    pairs = {}
    for key in sorted(field.name for field in fields(data)):
        value = getattr(data, key)
        if value is True:
            pairs[key] = key
        elif value is not None and value is not False:
            pairs[key] = f'{key}="{value}"' if key in _STRINGS else f"{key}={value}"
    return pairs
