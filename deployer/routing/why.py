"""Why a backend gets what it gets, in a few words beside its weight."""

from collections.abc import Sequence

from deployer.release.records import Backend, RouteSettings

__all__ = ["explain_share"]

_ORDERS = {"cost": "by price", "priority": "by priority", "region": "by distance"}


def explain_share(
    backend: Backend, backends: Sequence[Backend], settings: RouteSettings, share: float
) -> str:
    """Return what decides beside the weight and the health; empty when nothing does.

    Args:
        backends: All there are, with the tiers that hold.
        share: What it gets of new requests now.
    """
    words = [
        _explain_copies(backend),
        _explain_tier(backend, backends, settings, share),
        _explain_side(backend, backends),
    ]
    return ", ".join(word for word in words if word)


def _explain_copies(backend: Backend) -> str:
    return f"copies of {backend.shadow:g} % of requests" if backend.shadow else ""


def _explain_tier(
    backend: Backend, backends: Sequence[Backend], settings: RouteSettings, share: float
) -> str:
    tiers = sorted({b.tier for b in backends if b.weight})
    if len(tiers) < 2 or not backend.weight:  # noqa: PLR2004 - one tier is no order
        return ""
    order = _ORDERS.get(settings.policy, "by tier")
    place = f"number {tiers.index(backend.tier) + 1} of {len(tiers)} {order}"
    return place if share else f"{place}: stands by"


def _explain_side(backend: Backend, backends: Sequence[Backend]) -> str:
    shares = {b.release: b.share for b in backends if b.target == backend.target}
    if len(shares) < 2:  # noqa: PLR2004 - alone at its target
        return ""
    side = "canary" if backend.release == max(shares) else "stable"
    return f"{side}: {100 * backend.share / (sum(shares.values()) or 1):.3g} % of its target"
