"""Reads all that a plan needs, every target in parallel, and says what it could not read."""

from deployer.snapshot.model import Snapshot, TargetSnapshot, release_of
from deployer.snapshot.take import Place, take_snapshot

__all__ = ["Place", "Snapshot", "TargetSnapshot", "release_of", "take_snapshot"]
