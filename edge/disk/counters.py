"""What a disk tier counts, in plain integers; the admin plane turns them into metrics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class DiskCounters:
    """Since the start of the process."""

    opened: int = 0  # files; a hit on an open object opens none
    written: int = 0
    written_bytes: int = 0
    rewritten_heads: int = 0
    refused: int = 0  # by the policy, for their head, or while the tier does not write
    evicted: int = 0
    purged: int = 0
    lost: int = 0  # files that were not there any more
    corrupt: int = 0  # files that failed a check, and were not served
    read_errors: int = 0
    write_errors: int = 0
    degraded: int = 0  # how often the disk was taken out, in part or whole
    recovered: int = 0
    snapshots: int = 0
