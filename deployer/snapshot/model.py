"""What was found, when, and what could not be found out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from deployer.ports import Manifest
from deployer.release.records import Bundle, Head, PriceRecord, Routes

__all__ = ["Snapshot", "TargetSnapshot"]


@dataclass(frozen=True, slots=True)
class TargetSnapshot:
    """One target as it was at ``at``; with ``unknown``, nothing of its cluster may be believed.

    Attributes:
        unknown: Why the cluster could not be read; empty when it was.
        store_unknown: Why the store could not be asked; empty when it was. The rest still holds.
        artifact_present: Whether the store holds the artifact, marker included.
        live: The objects of this deployment on the cluster.
        price: What its machine costs per hour, or why that is unknown.
    """

    target: str
    at: datetime
    unknown: str = ""
    store_unknown: str = ""
    artifact_present: bool = False
    live: tuple[Manifest, ...] = ()
    price: PriceRecord | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a plan is made from, besides the spec and the artifact."""

    at: datetime
    author: str
    head: Head | None
    releases: tuple[int, ...]
    newest: Bundle | None
    desired: Bundle | None
    routes: Routes | None
    targets: Mapping[str, TargetSnapshot] = field(default_factory=dict)

    @property
    def live(self) -> Mapping[str, int]:
        """Which release is live, by target."""
        return self.head.live if self.head else {}
