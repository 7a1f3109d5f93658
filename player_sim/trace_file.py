"""Reads the network that a command names: a rate such as `5Mbps`, or a trace file."""

from __future__ import annotations

from pathlib import Path

from player_sim.network import Trace, TraceError
from player_sim.traces import parse_constant, parse_trace


def load_network(argument: str) -> Trace:
    """Raises TraceError of one line when `argument` is neither."""
    constant = parse_constant(argument)
    if constant is not None:
        return constant
    try:
        return parse_trace(Path(argument).read_text(encoding="utf-8"), argument)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise TraceError(f"{argument}: {reason}; give a rate such as 5Mbps, or a trace file") from None
