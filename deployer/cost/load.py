"""What one target is asked to carry in a month: the model, the traffic, how many copies."""

from dataclasses import dataclass
from decimal import Decimal

from deployer.release.records import Bundle
from deployer.spec.costs import Usage
from deployer.spec.strategy import Strategy
from deployer.values import Json

__all__ = ["Load", "read_strategy", "read_usage", "share_of_traffic"]


@dataclass(frozen=True, slots=True)
class Load:
    """A target's month, as far as a release and its assumptions say.

    Attributes:
        share: Of all predictions, as the routing weights have it.
        begun_bytes: What the account has sent before, which sets the tier of what it sends next.
        replicas: How many run; the autoscaler's maximum when that is what is priced.
        asked: Predictions that somebody counted; None when the assumptions say how many.
    """

    usage: Usage
    share: Decimal
    model_bytes: int
    replicas: int
    begun_bytes: Decimal = Decimal(0)
    asked: Decimal | None = None

    @property
    def predictions(self) -> Decimal:
        """How many predictions this target answers."""
        return self.usage.predictions * self.share if self.asked is None else self.asked

    @property
    def bytes_in(self) -> Decimal:
        """What requests bring in."""
        return self.predictions * self.usage.request_kib * 1024

    @property
    def bytes_out(self) -> Decimal:
        """What answers send out."""
        return self.predictions * self.usage.response_kib * 1024

    @property
    def bytes_logged(self) -> Decimal:
        """What predictions log."""
        return self.predictions * self.usage.log_kib * 1024


def read_usage(bundle: Bundle) -> Usage:
    """Return what the release's spec assumed of a month; the defaults where it said nothing."""
    return Usage.model_validate(_config(bundle, "usage"))


def read_strategy(bundle: Bundle) -> Strategy:
    """Return how the release's spec has traffic moved; the soak is the one that is recorded."""
    strategy = Strategy.model_validate(_config(bundle, "strategy"))
    return strategy.model_copy(update={"soak": bundle.soak_seconds})


def _config(bundle: Bundle, key: str) -> Json:
    return (bundle.config if isinstance(bundle.config, dict) else {}).get(key) or {}


def share_of_traffic(bundle: Bundle, target: str) -> Decimal:
    """Return the target's share of the traffic by the release's weights; 0 when there is none."""
    total = sum(bundle.weights.values())
    return Decimal(bundle.weights.get(target, 0)) / total if total else Decimal(0)
