"""TTML and IMSC1 into cues: the door to ttconv.

Kept: italics, bold, underline, the named colours, line breaks, and where on the screen, in thirds. Lost:
other styles, ruby, pictures, forcedDisplay.
"""

from __future__ import annotations

import logging
import re
from xml.etree import ElementTree

import ttconv.imsc.reader
import ttconv.model
import ttconv.vtt.writer
from ttconv.vtt.config import VTTWriterConfiguration

from media import webvtt
from media.webvtt import Cue

_LINE = re.compile(r"line:(-?\d+)%(?:,(start|center|end))?")
_UPPER, _LOWER = 34, 66  # per cent
_CLASS = re.compile(r"<c\.(?!white>|lime>|cyan>|red>|yellow>|magenta>|blue>)[^>]*>(.*?)</c>", re.DOTALL)


def read(data: bytes) -> list[Cue]:
    """The cues in order of time. Raises ValueError if the document is not TTML."""
    logging.getLogger("ttconv").addHandler(logging.NullHandler())  # it tells of every attribute it passes by
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("a document type has no place in TTML")
    try:
        document = ttconv.imsc.reader.to_model(ElementTree.ElementTree(ElementTree.fromstring(data)))
    except ElementTree.ParseError as error:
        raise ValueError(f"not well-formed XML: {error}") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        raise ValueError(f"not TTML as the standard has it: {error}") from None
    if document is None or document.get_body() is None:
        return []
    _escape(document)
    has_regions = any(True for _ in document.iter_regions())
    configuration = VTTWriterConfiguration(line_position=has_regions, text_align=has_regions, cue_id=False)
    written = ttconv.vtt.writer.from_model(document, configuration)
    return [_tidied(cue) for cue in webvtt.read(written).cues]


def _escape(document: ttconv.model.ContentDocument) -> None:
    """ttconv writes the words as they are, `<` and `&` too."""
    for element in document.get_body().dfs_iterator():
        if isinstance(element, ttconv.model.Text):
            element.set_text(webvtt.escape(element.get_text()))


def _tidied(cue: Cue) -> Cue:
    """Places in thirds: few players know the end of a line. Colours only where they need no style sheet."""
    payload = cue.payload
    while (plain := _CLASS.sub(r"\1", payload)) != payload:
        payload = plain
    settings = [_placed(setting) for setting in cue.settings.split() if setting != "align:center"]
    return Cue(
        start_ms=cue.start_ms, end_ms=cue.end_ms, payload=payload, settings=" ".join(filter(None, settings))
    )


def _placed(setting: str) -> str:
    found = _LINE.fullmatch(setting)
    if found is None:
        return setting
    per_cent = int(found[1])
    if per_cent < _UPPER:
        return "line:0"
    return "line:50%" if per_cent < _LOWER else ""
