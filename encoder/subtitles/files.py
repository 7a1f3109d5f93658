"""Subtitle files, and how a caller names one: FILE[:LANGUAGE[:forced|sdh]]."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from encoder.languages import COMMON, bcp47
from encoder.subtitles import substation, ttml
from encoder.subtitles.encodings import decoded
from encoder.subtitles.errors import SubtitleError
from media import webvtt
from media.webvtt import WebVtt, WebVttError

_FLAGS = ("default", "forced", "sdh")
_HEAD = 10_000  # letters in which a format must have shown itself
_PICTURES = (b"PG", b"\x00\x00\x01\xba", b"# VobSub")  # of PGS, of VobSub, and of its index
_WAY_OUT = "give SRT, ASS, WebVTT or TTML"


class _ForeignError(ValueError):
    """Bytes in none of the formats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtitleFile:
    """A file, as the caller named it."""

    path: Path
    language: str = "und"  # BCP 47
    is_default: bool = False
    is_forced: bool = False
    is_sdh: bool = False


def named(argument: str) -> SubtitleFile:
    """Of "film.srt:pt-BR:forced", or of a name that says so itself, as "film.pt-BR.forced.srt" does.

    Raises SubtitleError.
    """
    path, *said = argument.split(":")
    flags = [word for word in said[1:] if word] if said else []
    if not path or any(flag not in _FLAGS for flag in flags):
        raise SubtitleError(
            f"--subtitles {argument}: write FILE:LANGUAGE:FLAG, FLAG one of {', '.join(_FLAGS)}"
        )
    language = bcp47(said[0]) if said and said[0] else "und"
    if said and said[0] and language == "und" and said[0].lower() != "und":
        raise SubtitleError(
            f"--subtitles {argument}: {said[0]!r} is no language; write one such as en or pt-BR"
        )
    if not said:
        words = Path(path).name.split(".")[1:-1]
        flags = [word.lower() for word in words if word.lower() in _FLAGS]
        language = next((bcp47(w) for w in reversed(words) if w.lower().partition("-")[0] in COMMON), "und")
    return SubtitleFile(
        path=Path(path),
        language=language,
        is_default="default" in flags,
        is_forced="forced" in flags,
        is_sdh="sdh" in flags,
    )


def load(path: Path) -> WebVtt:
    """The cues of a file, whatever its format and encoding. Raises SubtitleError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SubtitleError(f"{path}: {error.strerror}; name a subtitle file") from None
    return parse(data, str(path))


def parse(data: bytes, where: str) -> WebVtt:
    """The cues of a file's bytes; `where` names it in what goes wrong. Raises SubtitleError."""
    if data.startswith(_PICTURES):
        raise SubtitleError(f"{where}: holds pictures of text, which are not read; {_WAY_OUT}")
    try:
        found = _read(data)
    except UnicodeError:
        raise SubtitleError(f"{where}: its letters cannot be read; save it as UTF-8") from None
    except (WebVttError, _ForeignError) as error:
        raise SubtitleError(f"{where}: {error}; {_WAY_OUT}") from None
    except ValueError as error:
        raise SubtitleError(f"{where}: damaged: {error}; {_WAY_OUT}") from None
    if not found.cues:
        raise SubtitleError(f"{where}: holds no text that is ever shown; {_WAY_OUT}")
    return found


def _read(data: bytes) -> WebVtt:
    text = decoded(data)
    head = text[:_HEAD]
    if head.lstrip().startswith("WEBVTT"):
        return webvtt.read(text.lstrip())
    if "http://www.w3.org/ns/ttml" in head or head.lstrip().startswith(("<tt", "<?xml")):
        return WebVtt(cues=tuple(ttml.read(data)))
    if "[script info]" in head.lower() or "styles]" in head.lower():
        kind: substation.Format = "ass" if "v4+ styles" in head.lower() else "ssa"
        return WebVtt(cues=tuple(substation.read(text, kind)))
    if "-->" in text:
        return WebVtt(cues=tuple(substation.read(text, "srt")))
    raise _ForeignError("neither SRT, ASS, WebVTT nor TTML" if text.strip() else "empty")
