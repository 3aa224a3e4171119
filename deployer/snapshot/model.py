"""What was found, when, and what could not be found out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from deployer.ports import Manifest
from deployer.release.records import Bundle, Head, PriceRecord, Routes
from deployer.rendering.naming import RELEASE_LABEL

__all__ = ["Snapshot", "TargetSnapshot", "release_of"]


def release_of(manifest: Manifest) -> int | None:
    """Return the release that a live object belongs to; None of what releases share."""
    labels: Mapping[str, str] = manifest["metadata"].get("labels") or {}
    number = labels.get(RELEASE_LABEL, "")
    return int(number) if number.isdecimal() else None


@dataclass(frozen=True, slots=True)
class TargetSnapshot:
    """One target as it was at ``at``; with ``unknown``, nothing of its cluster may be believed.

    Attributes:
        unknown: Why the cluster could not be read; empty when it was.
        store_unknown: Why the store could not be asked; empty when it was. The rest still holds.
        artifact_present: Whether the store holds the artifact, marker included.
        live: The objects of this deployment on the cluster.
        prices: What things cost here, each kind once, or why that is unknown.
    """

    target: str
    at: datetime
    unknown: str = ""
    store_unknown: str = ""
    artifact_present: bool = False
    live: tuple[Manifest, ...] = ()
    prices: tuple[PriceRecord, ...] = ()

    @property
    def price(self) -> PriceRecord | None:
        """What its machine costs per hour; None when none was looked up."""
        return next((price for price in self.prices if price.kind == "instance"), None)

    @property
    def releases(self) -> set[int]:
        """The releases that have any object of their own here."""
        return {number for it in self.live if (number := release_of(it)) is not None}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a plan is made from, besides the spec and the artifact.

    Attributes:
        bundles: The releases that have an object on any target, as far as they are recorded.
    """

    at: datetime
    author: str
    head: Head | None
    releases: tuple[int, ...]
    newest: Bundle | None
    desired: Bundle | None
    routes: Routes | None
    bundles: Mapping[int, Bundle] = field(default_factory=dict)
    targets: Mapping[str, TargetSnapshot] = field(default_factory=dict)

    @property
    def live(self) -> Mapping[str, int]:
        """Which release is live, by target."""
        return self.head.live if self.head else {}
