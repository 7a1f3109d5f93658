"""The last look before a title is published: the rules that `penstock validate` holds others to."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from encoder.errors import EncodeError
from media.facts.model import Got, Want
from media.manifest import ManifestError
from media.validation import Severity, validate


class VerifyError(EncodeError):
    """What was made breaks a rule and is not published; the message names both."""


def verify(folder: Path, manifests: list[str]) -> None:
    """Raises VerifyError if a rule that must hold is broken."""
    uris = [(folder / name).resolve().as_uri() for name in manifests]
    try:
        findings = validate(uris, _read)
    except ManifestError as error:
        raise VerifyError(f"{error}; report this") from None
    broken = [finding for finding in findings if finding.severity is Severity.MUST]
    if broken:
        first, more = broken[0], f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise VerifyError(f"{first.where}: {first.what}: {first.rule} is broken{more}; report this")


def _read(want: Want) -> Got:
    path = Path(unquote(urlsplit(want.uri).path))
    try:
        with path.open("rb") as file:
            size_bytes = path.stat().st_size
            file.seek(want.first)
            return Got(file.read(-1 if want.length is None else want.length), size_bytes)
    except OSError as error:
        return Got(problem=str(error.strerror))
