"""The rules that a stream is judged by: each in one file by its subject, all in one table.

A rule is a pure function from facts to findings. docs/validation.md lists them; a test holds it to this.
"""

from __future__ import annotations

from media.rules import (
    breaks,
    codecs,
    colour,
    dash_media,
    dash_text,
    delivery,
    encryption,
    groups,
    multivariant,
    playlists,
    rates,
    timing,
    together,
    trick_play,
)
from media.rules.base import Rule

RULES: tuple[Rule, ...] = (
    *delivery.RULES,
    *playlists.RULES,
    *breaks.RULES,
    *multivariant.RULES,
    *groups.RULES,
    *rates.RULES,
    *codecs.RULES,
    *colour.RULES,
    *timing.RULES,
    *trick_play.RULES,
    *encryption.RULES,
    *dash_text.RULES,
    *dash_media.RULES,
    *together.RULES,
)
