"""What can go wrong with subtitles."""

from __future__ import annotations

from encoder.errors import EncodeError


class SubtitleError(EncodeError):
    """Subtitles that cannot be used; the message names the file or track, the reason and the way out."""
