"""Where backends stand for a router: in which tier, seen from its region, and with what weight."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from deployer.errors import StateError
from deployer.release.records import Backend, Routes, RouteSettings
from deployer.routing.regions import is_known_region, rank_by_distance

__all__ = ["check_neighbours", "flatten_shares", "is_place", "place_backends", "rank_region"]


def place_backends(
    settings: RouteSettings, backends: Sequence[Backend], region: str
) -> tuple[Backend, ...]:
    """Return the backends with the tiers of requests that come from ``region``.

    Only the policy ``region`` puts them in another order than they have.

    Args:
        region: The router's own; the settings' default when empty.
    """
    if settings.policy != "region":
        return tuple(backends)
    tiers = rank_region(region or settings.region.default, backends)
    return tuple(b.model_copy(update={"tier": tiers[b.target]}) for b in backends)


def rank_region(region: str, backends: Sequence[Backend]) -> dict[str, int]:
    """Return each target's tier for requests from a region; all alike when it is not known."""
    regions = {backend.target: backend.region for backend in backends}
    if not is_place(region, regions):
        return dict.fromkeys(regions, 0)
    return rank_by_distance(region, regions)


def is_place(region: str, regions: Mapping[str, str]) -> bool:
    """Tell whether anything is known of where a region is."""
    return bool(region) and (is_known_region(region) or region in regions.values())


def check_neighbours(routes: Routes, others: Iterable[Routes | None]) -> None:
    """Refuse routes beside which a request could be for two deployments.

    Raises:
        StateError: Another one has the same name, or takes the same host and path.
    """
    for other in others:
        if other is None:
            continue
        if other.name == routes.name:
            raise StateError(f"two deployments are called {routes.name}")
        if _address(other.settings) == _address(routes.settings):
            host, path = _address(routes.settings)
            raise StateError(
                f"{other.name} and {routes.name} both take {host or 'any host'} and {path}",
                hint="Give one of them another routing.host or routing.path.",
            )


def _address(settings: RouteSettings) -> tuple[str, str]:
    return settings.host, settings.path.rstrip("/") or "/"


def flatten_shares(backends: Sequence[Backend]) -> tuple[Backend, ...]:
    """Return backends that split requests alike by their weights alone, with no groups.

    What differs is a target whose releases are not all usable: its part then goes to all others.
    """
    sums = Counter[str]()
    for backend in backends:
        sums[backend.target] += backend.share
    if len(sums) == len(backends):
        return tuple(backends)
    common = math.lcm(*(total for total in sums.values() if total))
    weights = [b.weight * b.share * (common // (sums[b.target] or common)) for b in backends]
    divisor = math.gcd(*weights) or 1
    return tuple(
        backend.model_copy(update={"weight": weight // divisor, "share": 1000})
        for backend, weight in zip(backends, weights, strict=True)
    )
