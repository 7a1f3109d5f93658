"""Bytes of a subtitle file into text: by its byte order mark, else UTF-8, else Western European."""

from __future__ import annotations

import codecs

_MARKS = [  # UTF-32 first: its little-endian mark begins like that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]


def decoded(data: bytes) -> str:
    """The text without its byte order mark, lines ended by a line feed. Raises UnicodeError."""
    text = data.decode(_encoding(data))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encoding(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    # UTF-16 without a mark: every second byte of what stands in front (numbers, tags) is 0.
    head = data[:64]
    if len(head) > 3 and head[1::2].count(0) > len(head) // 4:
        return "utf-16-le"
    if len(head) > 3 and head[::2].count(0) > len(head) // 4:
        return "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252" if _is_cp1252(data) else "latin-1"
    return "utf-8"


def _is_cp1252(data: bytes) -> bool:
    """Five bytes mean nothing there."""
    return not set(data) & {0x81, 0x8D, 0x8F, 0x90, 0x9D}
