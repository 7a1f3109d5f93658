"""Finished sessions for people (a table) and for programs (plain values for JSON)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from player_sim.qoe import Qoe, qoe_of
from player_sim.result import SegmentRecord, SessionResult


def is_success(results: Sequence[SessionResult]) -> bool:
    """All sessions played to their end."""
    return all(result.is_complete for result in results)


def session_table(results: Sequence[SessionResult]) -> Table:
    """One row per session, and their means."""
    table = Table(title="sessions", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("#", "startup s", "stalls", "stalled s", "kbit/s", "switch", "QoE_lin"):
        table.add_column(heading, justify="right")
    table.add_column("edges")
    table.add_column("outcome")
    qoes = [qoe_of(result) for result in results]
    for number, (result, qoe) in enumerate(zip(results, qoes, strict=True), 1):
        table.add_row(
            str(number),
            *_cells(qoe),
            " ".join(url.partition("//")[2] for url in edges_of(result)),
            result.failure or "played",
        )
    if len(results) > 1:
        table.add_section()
        table.add_row("mean", *_mean_cells(qoes))
    return table


def as_values(results: Sequence[SessionResult]) -> dict[str, Any]:
    return {
        "is_success": is_success(results),
        "sessions": [
            {
                "failure": result.failure,
                "end_s": result.end_s,
                "edges": edges_of(result),
                "qoe": asdict(qoe_of(result)),
                "stalls": [asdict(stall) for stall in result.stalls],
                "segments": [_segment_values(record) for record in result.segments],
            }
            for result in results
        ],
    }


def edges_of(result: SessionResult) -> list[str]:
    """The edges that delivered, in the order of first use."""
    return list(dict.fromkeys(record.delivery.edge for record in result.segments if record.delivery))


def _segment_values(record: SegmentRecord) -> dict[str, Any]:
    return asdict(record) | {
        "rendition": record.rendition.name,
        "average_bps": record.rendition.average_bps,
        "ttfb_s": record.ttfb_s,
    }


def _cells(qoe: Qoe) -> list[str]:
    return [
        "-" if qoe.startup_delay_s is None else f"{qoe.startup_delay_s:.2f}",
        str(qoe.stall_count),
        f"{qoe.stall_s:.1f}",
        f"{qoe.mean_bitrate_bps / 1000:.0f}",
        str(qoe.switches),
        f"{qoe.qoe_lin:.2f}",
    ]


def _mean_cells(qoes: Sequence[Qoe]) -> list[str]:
    delays_s = [qoe.startup_delay_s for qoe in qoes if qoe.startup_delay_s is not None]
    return [
        f"{fmean(delays_s):.2f}" if delays_s else "-",
        f"{fmean(qoe.stall_count for qoe in qoes):.1f}",
        f"{fmean(qoe.stall_s for qoe in qoes):.1f}",
        f"{fmean(qoe.mean_bitrate_bps for qoe in qoes) / 1000:.0f}",
        f"{fmean(qoe.switches for qoe in qoes):.1f}",
        f"{fmean(qoe.qoe_lin for qoe in qoes):.2f}",
    ]
