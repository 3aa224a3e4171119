"""How much at a time: sizes of parts, how many side by side, within which memory."""

from dataclasses import dataclass, field

from deployer.transfer.budget import PROCESS_BUDGET, Budget

__all__ = ["Limits"]

_MEBIBYTE = 1 << 20
_MAX_PARTS = 9_500
"""S3 and Cloud Storage allow 10 000 parts, Azure 50 000 blocks. One length for all, so that one
read serves all; the rest is room."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings of transfers.

    Attributes:
        part_bytes: Per part of an upload, and the largest file that is sent in one request. S3 and
            Cloud Storage refuse parts under 5 MiB.
        range_bytes: Per ranged read: what a connection that breaks off costs at most.
        workers: Parts, and ranges, in flight per store.
        budget: What all of it may hold in memory.
    """

    part_bytes: int = 8 * _MEBIBYTE
    range_bytes: int = 8 * _MEBIBYTE
    workers: int = 8
    budget: Budget = field(default=PROCESS_BUDGET)

    def part_length(self, size: int) -> int:
        """Return the bytes per part for a file of ``size`` bytes: whole MiB above the setting."""
        needed = -(-size // _MAX_PARTS)
        if needed <= self.part_bytes:
            return self.part_bytes
        return -(-needed // _MEBIBYTE) * _MEBIBYTE
