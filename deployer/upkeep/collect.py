"""Removing what no release of any reachable state refers to."""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from deployer.artifact import Garbage, Rules, Swept, find_garbage, sweep_garbage
from deployer.errors import DeployerError
from deployer.release.lease import acquire_lease
from deployer.release.references import read_references
from deployer.upkeep.survey import Upkeep
from deployer.values import Digest

__all__ = ["Collected", "collect_garbage"]


@dataclass(frozen=True, slots=True)
class Collected:
    """What was found, and what went; ``swept`` is empty after a dry run.

    ``unknown`` stores did not answer, each with the reason: nothing of theirs was touched.
    """

    found: tuple[Garbage, ...]
    swept: tuple[Swept, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)


def collect_garbage(upkeep: Upkeep, rules: Rules, *, holder: str, dry_run: bool) -> Collected:
    """Remove old artifacts that nobody refers to, and old unfinished uploads.

    The spec's deployment cannot be deployed meanwhile: its lease is held.

    Raises:
        StateError: A majority of the state cannot be read, or a release in it; nothing went.
        LeaseHeldError: A run is under way; nothing went.
        SourceError: More would go than ``rules`` allow; nothing went.
        DeployerError: A store failed in the middle. The same command goes on.
    """
    if dry_run:
        return _find(upkeep, rules)
    lease = acquire_lease(
        upkeep.state, holder=holder, run=uuid.uuid4().hex[:8], seconds=upkeep.lease_seconds
    )
    try:
        collected = _find(upkeep, rules)
        lease.check()
        swept = sweep_garbage(collected.found, rules, _asker(upkeep))
    finally:
        lease.release()
    return Collected(collected.found, tuple(swept), collected.unknown)


def _find(upkeep: Upkeep, rules: Rules) -> Collected:
    references = read_references(upkeep.state_stores, upkeep.clock)
    found: list[Garbage] = []
    unknown = dict(references.unread)
    for url, place in upkeep.places.items():
        try:
            now = upkeep.clock.now()
            found.append(find_garbage(place, references.releases, rules, now))
        except DeployerError as error:
            unknown[url] = error.message
    return Collected(tuple(found), unknown=unknown)


def _asker(upkeep: Upkeep) -> Callable[[], Collection[Digest]]:
    return lambda: read_references(upkeep.state_stores, upkeep.clock).releases
