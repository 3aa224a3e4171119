"""How requests and backends are treated: one policy in numbers, whichever data plane obeys it."""

from dataclasses import dataclass, field

from deployer.release.records import RouteSettings
from deployer.routing.health import Rules
from deployer.routing.prober import Pace
from deployer.routing.traffic import Timeouts

__all__ = ["Conduct", "make_conduct"]


@dataclass(frozen=True, slots=True)
class Conduct:
    """The numbers that a data plane follows.

    Attributes:
        by_load: Whether load has a say in who takes a request.
        max_in_flight: Requests at one backend at the same time.
        asked: What else the routes ask for.
    """

    rules: Rules = field(default_factory=Rules)
    pace: Pace = field(default_factory=Pace)
    timeouts: Timeouts = field(default_factory=Timeouts)
    probe_path: str = "/v2/health/ready"
    idempotent: bool = False
    by_load: bool = False
    max_in_flight: int = 1024
    asked: RouteSettings = field(default_factory=RouteSettings)


def make_conduct(
    settings: RouteSettings,
    *,
    fast: bool = False,
    idempotent: bool | None = None,
    probe_path: str | None = None,
    timeouts: Timeouts | None = None,
) -> Conduct:
    """Return the conduct that routes ask for.

    Args:
        fast: Probe every second and judge sooner.
        idempotent: Instead of what the settings say.
        probe_path: Instead of the one in the settings.
    """
    return Conduct(
        rules=Rules.fast() if fast else Rules(),
        pace=Pace.fast() if fast else Pace(),
        timeouts=timeouts or Timeouts(),
        probe_path=probe_path or settings.health_path,
        idempotent=settings.idempotent if idempotent is None else idempotent,
        by_load=settings.policy == "latency",
        max_in_flight=settings.max_in_flight,
        asked=settings,
    )
