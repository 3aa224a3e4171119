"""Stores that send small parts, whatever cloud's they are."""

from collections.abc import Callable
from typing import Any

from deployer.ports import ObjectStore
from deployer.providers.local.clock import SystemClock
from deployer.transfer import Limits

PART = 64 << 10
LIMITS = Limits(part_bytes=PART, range_bytes=PART, workers=2)


def open_store(
    connect: Callable[..., ObjectStore], url: str, endpoint: str, patience: float, **more: Any
) -> ObjectStore:
    """Open a store at a server; ``more`` goes to the adapter."""
    return connect(
        url,
        clock=SystemClock(),
        endpoint=endpoint,
        patience_seconds=patience,
        limits=LIMITS,
        **more,
    )
