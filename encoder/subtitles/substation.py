"""SRT and SubStation Alpha into cues: the door to pysubs2.

Kept: italics, bold, underline, line breaks, and where on the screen, in thirds. Lost: fonts, sizes, colours,
exact places, karaoke, drawings, and what moves.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from html import unescape
from itertools import groupby
from typing import Literal

import pysubs2
from pysubs2.formats.substation import parse_tags

from media.webvtt import Cue, escape

Format = Literal["srt", "ass", "ssa"]

_OVERRIDES = re.compile(r"{[^}]*}")
_ALIGNMENT = re.compile(r"\\an([1-9])")
_OLD_ALIGNMENT = re.compile(r"\\a(1?[0-9])(?![0-9a-z])")
_OLD_COLUMNS, _OLD_TOP, _OLD_MIDDLE = 3, 4, 8  # SSA: column 1 to 3, and what is added for the row
_PLACE = re.compile(r"\\(?:pos|move)\(\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)")
_WEIGHT = re.compile(r"\\b([1-9]00)")
_BOLD_FROM = 600
_NEGATIVE = re.compile(r"(?<![\d:])-\d+:\d\d:\d\d[,.]\d{1,3}")
_HEIGHT_PX = 288  # of a script that does not say (libass)
_COLUMNS = ("align:left", "", "align:right")
_ROWS = ("", "line:50%", "line:0")  # from the bottom up, as on a number pad
_TAGS = (("bold", "b"), ("italic", "i"), ("underline", "u"))


def read(text: str, kind: Format) -> Iterator[Cue]:
    """The cues in the order of the file; one that is never shown or says nothing is left out.

    Raises ValueError if the text is not what `kind` says.
    """
    script = _parsed(_tidied(text) if kind == "srt" else text, kind)
    height_px = _number(script.info.get("PlayResY", "")) or _HEIGHT_PX
    for event in script.events:
        start_ms = max(0, int(event.start))
        if event.is_comment or start_ms >= event.end:
            continue
        style = script.styles.get(event.style, pysubs2.SSAStyle.DEFAULT_STYLE)
        payload = _payload(event.text, style, script.styles, has_entities=kind == "srt")
        if payload:
            settings = _settings(event.text, int(style.alignment), height_px)
            yield Cue(start_ms=start_ms, end_ms=int(event.end), payload=payload, settings=settings)


def _parsed(text: str, kind: Format) -> pysubs2.SSAFile:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fields that have no bearing here
            return pysubs2.SSAFile.from_string(text, format_=kind)
    except (ArithmeticError, LookupError, TypeError, pysubs2.Pysubs2Error) as error:
        raise ValueError(str(error)) from None


def _tidied(text: str) -> str:
    """What pysubs2 would misread: times below 0, and a number as the last words of the file."""
    return _NEGATIVE.sub("00:00:00,000", text) + "\n\n0\n"


def _payload(
    text: str, style: pysubs2.SSAStyle, styles: dict[str, pysubs2.SSAStyle], *, has_entities: bool
) -> str:
    text = _WEIGHT.sub(lambda weight: r"\b1" if int(weight[1]) >= _BOLD_FROM else r"\b0", text)
    pieces: list[tuple[tuple[str, ...], str]] = []
    for words, shown in parse_tags(text, style, styles):
        if not shown.drawing:
            words = words.replace(r"\N", "\n").replace(r"\n", " ").replace(r"\h", "\u00a0")
            words = escape(unescape(words) if has_entities else words)
            pieces.append((tuple(tag for name, tag in _TAGS if getattr(shown, name)), words))
    alike = (("".join(words for _, words in group), tags) for tags, group in groupby(pieces, lambda p: p[0]))
    marked = "".join(_marked(words, tags) for words, tags in alike)
    return "\n".join(line.strip() for line in marked.split("\n") if line.strip())


def _marked(words: str, tags: tuple[str, ...]) -> str:
    """Tags stand close around the words, so that no line is left with a tag alone."""
    inner = words.strip(" \n")
    if not inner:
        return words
    before, _, after = words.partition(inner)
    opening = "".join(f"<{tag}>" for tag in tags)
    closing = "".join(f"</{tag}>" for tag in reversed(tags))
    return f"{before}{opening}{inner}{closing}{after}"


def _settings(text: str, alignment: int, height_px: float) -> str:
    """The first override counts, as in libass; a place on the screen says which third."""
    overrides = "".join(_OVERRIDES.findall(text))
    if found := _ALIGNMENT.search(overrides):
        alignment = int(found[1])
    elif found := _OLD_ALIGNMENT.search(overrides):
        alignment = _from_old(int(found[1])) or alignment
    row, column = divmod(alignment - 1, 3)
    if found := _PLACE.search(overrides):
        row = 2 - min(2, max(0, int(3 * _number(found[2]) / height_px)))
    return " ".join(filter(None, (_ROWS[row], _COLUMNS[column])))


def _from_old(code: int) -> int:
    column = code & _OLD_COLUMNS
    row = 3 if code & _OLD_MIDDLE else 6 if code & _OLD_TOP else 0
    return row + column if column else 0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
