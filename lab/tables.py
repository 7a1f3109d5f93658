"""A run as tables on the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lab.outcome import Run
from service.units import format_size


def print_run(finished: Run, console: Console) -> None:
    console.print(_session_table(finished))
    console.print(_tier_table(finished))
    console.print(
        f"The viewers got {format_size(finished.viewers_bytes)}, of which the origin sent "
        f"{format_size(finished.origin_bytes)}: the caches saved it [bold]{finished.origin_saved:.1%}[/bold]."
    )


def _session_table(finished: Run) -> Table:
    table = Table(title="viewers", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("session", "rule", "link, Mbit/s"):
        table.add_column(heading, no_wrap=True)
    for heading in ("startup", "stalls", "kbit/s", "switch"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("outcome", overflow="fold")
    for session in finished.sessions:
        qoe = session.qoe
        table.add_row(
            *(session.name, session.rule, session.network.removesuffix(" Mbit/s")),
            "–" if qoe.startup_delay_s is None else f"{qoe.startup_delay_s:.2f} s",
            f"{qoe.stall_count}: {qoe.stall_s:.1f} s" if qoe.stall_count else "0",
            *(f"{qoe.mean_bitrate_bps / 1000:.0f}", str(qoe.switches)),
            session.result.failure or "played",
        )
    return table


def _tier_table(finished: Run) -> Table:
    table = Table(title="caches", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("cache")
    for heading in ("requests", "hit ratio", "byte hit ratio", "sent", "from upstream"):
        table.add_column(heading, justify="right")
    for tier in finished.tiers:
        ratios = ["–" if ratio is None else f"{ratio:.1%}" for ratio in (tier.hit_ratio, tier.byte_hit_ratio)]
        table.add_row(
            *(tier.name, str(tier.requests), *ratios),
            *(format_size(tier.sent_bytes), format_size(tier.upstream_bytes)),
        )
    return table
