"""The phases of a canary: its way in is opened, then its part of the traffic rises step by step.

They stand between the gates and the shift. A target that serves nothing yet, or that routers send
nothing to, has no traffic to share: it waits for the others and takes part in the shift.
"""

from collections.abc import Iterable, Iterator, Mapping

from deployer.plan.model import Hold, Open, Phase, Ref, Retire, Share
from deployer.ports import ObjectRef
from deployer.release.records import Bundle, TargetBundle
from deployer.snapshot.model import Snapshot

__all__ = ["PER_PERCENT", "canary_phases", "canary_refs", "close_canary", "find_canaries"]

PER_PERCENT = 10
"""Routers count shares in thousandths."""


def find_canaries(bundle: Bundle, snapshot: Snapshot, *, judged: bool) -> tuple[TargetBundle, ...]:
    """Return the targets on which the release is a canary first.

    What is gone back to has proved itself: it takes all traffic at once.
    """
    before = snapshot.desired
    if bundle.canary is None or before is None or not judged:
        return ()
    return tuple(part for part in bundle.targets if _has_traffic(part, bundle, before, snapshot))


def canary_phases(
    bundle: Bundle, parts: Iterable[TargetBundle], live: Mapping[str, int], *, stable: int
) -> Iterator[Phase]:
    """Yield the phases, in order; none without parts.

    Args:
        live: What each target serves now.
        stable: The release whose weights routers follow meanwhile.
    """
    names, number = [part.target for part in parts], bundle.number
    if not names or bundle.canary is None:
        return
    opened = tuple(Open(target=name, release=number) for name in names)
    yield Phase(name="open", steps=opened, once=True)
    for percent in bundle.canary.steps:
        shares = dict.fromkeys(names, percent * PER_PERCENT)
        share = Share(release=number, stable=stable, live=dict(live), shares=shares)
        yield Phase(name=f"canary {percent} %", steps=(share,), once=True)
        holds = (
            Hold(
                target=name,
                release=number,
                stable=live[name],
                percent=percent,
                seconds=bundle.canary.hold_seconds,
            )
            for name in names
        )
        yield Phase(name=f"hold {percent} %", steps=tuple(holds), once=True)


def close_canary(parts: Iterable[TargetBundle]) -> Iterator[Retire]:
    """Yield what removes the canary's way in, once nothing uses it any more."""
    for part in parts:
        yield Retire(target=part.target, objects=canary_refs(part))


def canary_refs(part: TargetBundle) -> tuple[Ref, ...]:
    """Return what leads to the canary, what refers to others first."""
    return tuple(Ref.of(ObjectRef.of(manifest)) for manifest in reversed(part.canary))


def _has_traffic(part: TargetBundle, bundle: Bundle, before: Bundle, snapshot: Snapshot) -> bool:
    serves, found = snapshot.live.get(part.target), snapshot.targets.get(part.target)
    return (
        bool(part.canary)
        and serves not in (None, bundle.number)
        and before.target(part.target) is not None
        and before.weights.get(part.target, 0) > 0
        and found is not None
        and not found.unknown
    )
