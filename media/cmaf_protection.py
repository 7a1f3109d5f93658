"""What encrypted CMAF says of its encryption, for those who check other people's (ISO/IEC 23001-7, 7 and 8).

Section numbers without a standard are those of 23001-7; `media/encryption` writes what is read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from media.boxes import Box, BoxError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackProtection:
    """What `sinf` says."""

    scheme: str  # "cenc", "cbcs", or another
    key_id: str  # 32 lower-case hex digits
    iv_bytes: int  # of each sample's own IV; 0: the IV is constant


def read_protection(inside: Sequence[Box]) -> TrackProtection | None:
    """Of the boxes in an encrypted sample entry; None where `schm` or `tenc` is missing (8.2)."""
    for sinf in (box for box in inside if box.kind == "sinf"):
        try:
            scheme = bytes(sinf.child("schm").payload[4:8]).decode("latin-1")
            tenc = sinf.child("schi", "tenc")
            (iv_bytes,) = tenc.unpack("B", 7)
            key_id = bytes(tenc.payload[8:24])
        except BoxError:
            continue
        if len(key_id) == 16:
            return TrackProtection(scheme=scheme, key_id=key_id.hex(), iv_bytes=iv_bytes)
    return None


def aux_problem(boxes: Sequence[Box], protection: TrackProtection | None) -> str:
    """What is wrong with the auxiliary information of a segment's samples, or nothing (7.1, 7.2)."""
    if protection is None:
        return ""
    try:
        return next(
            (problem for moof in boxes if moof.kind == "moof" for problem in _wrong(moof, protection)), ""
        )
    except BoxError as error:
        return str(error)


def _wrong(moof: Box, protection: TrackProtection) -> Iterator[str]:
    traf = moof.child("traf")
    found = {box.kind: box for box in traf.children()}
    samples = sum(box.unpack("I", 4)[0] for box in traf.children() if box.kind == "trun")
    if "senc" not in found and not {"saiz", "saio"} <= found.keys():
        if protection.iv_bytes and "sgpd" not in found:
            yield "samples with IVs of their own have neither 'senc' nor 'saiz' and 'saio'"
        return
    if not {"saiz", "saio"} <= found.keys():
        yield "'senc' without 'saiz' and 'saio': players find it by those"
        return
    _, flags = found["saiz"].version_and_flags()
    (counted,) = found["saiz"].unpack("I", (12 if flags & 1 else 4) + 1)
    if counted != samples:
        yield f"'saiz' counts {counted} samples, 'trun' {samples}"
    version, flags = found["saio"].version_and_flags()
    entries, offset = found["saio"].unpack("IQ" if version else "II", 12 if flags & 1 else 4)
    if entries == 1 and "senc" in found:
        pointed, begun = moof.offset + offset, found["senc"].offset + 16
        if pointed != begun:
            yield f"'saio' points to byte {pointed}, the entries of 'senc' begin at {begun}"
