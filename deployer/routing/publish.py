"""Putting a route onto a cluster, and hearing what its Gateways make of it."""

from dataclasses import dataclass

from deployer.ports import ApplyOptions, ApplyResult, Clock, Cluster, Manifest, ObjectRef
from deployer.routing.outputs.httproute import ParentVerdict, read_verdicts

__all__ = ["Published", "publish_route"]

_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a route.

    Attributes:
        verdicts: Empty where no controller has said anything of it in time.
    """

    applied: ApplyResult
    verdicts: tuple[ParentVerdict, ...] = ()


def publish_route(
    cluster: Cluster, route: Manifest, *, clock: Clock, patience_seconds: float, dry_run: bool
) -> Published:
    """Apply the route server-side and wait for its Gateways to speak of this version of it.

    A dry run changes nothing and asks nobody but the API server.

    Raises:
        ProviderError: The cluster refused it: a field that somebody else owns is named.
    """
    [applied] = cluster.apply_all([route], ApplyOptions(dry_run=dry_run))
    if applied.error is not None:
        raise applied.error
    if dry_run:
        return Published(applied)
    deadline = clock.monotonic() + patience_seconds
    while True:
        found = cluster.get(ObjectRef.of(route))
        verdicts = read_verdicts(found) if found is not None else ()
        if verdicts and all(verdict.current for verdict in verdicts):
            return Published(applied, verdicts)
        if clock.monotonic() >= deadline:
            return Published(applied, verdicts)
        clock.sleep(_LOOK_SECONDS)
