"""Video codecs: one file each, and one line here. A codec turns a rung into ffmpeg's output options."""

from __future__ import annotations

from collections.abc import Callable

from encoder.codecs import h264
from encoder.plan import Plan, RungPlan

Options = dict[str, str | int]

CODECS: dict[str, Callable[[Plan, RungPlan], Options]] = {"h264": h264.options}
