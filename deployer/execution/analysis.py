"""The analysis gate: what users got of a release while it soaks, as a router counted it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from deployer.errors import DeployerError
from deployer.execution.context import Context
from deployer.execution.traffic_limits import describe_traffic, find_faults
from deployer.execution.traffic_watcher import Counts, TrafficWatcher, read_counts
from deployer.plan.model import Route, Soak
from deployer.snapshot.router_counts import RouterTally, add_tallies

__all__ = ["open_analyst", "remember_traffic"]


def open_analyst(step: Soak, context: Context) -> TrafficWatcher | None:
    """Return who watches; None where the release is not judged by its traffic."""
    gate = context.bundle(step.release).gates.analysis
    if gate is None or not step.judged:
        return None
    return _Analyst(gate, context, step.release, f"{step.target}: analysis", target=step.target)


def remember_traffic(step: Route, context: Context) -> None:
    """Keep what users get of the releases that traffic is about to leave.

    A router forgets them with the routes. When it does not answer, or a killed run is gone on with
    after its shift, there is nothing to compare with, and the gate says so.
    """
    gate = context.bundle(step.release).gates.analysis if step.release else None
    if gate is None or (gate.worse is None and gate.slower is None):
        return
    try:
        counts = read_counts(gate, context)
    except DeployerError:
        return
    old = {key: tally for key, tally in counts.items() if key[1] != step.release}
    context.before.update(add_tallies(old))


@dataclass(slots=True, kw_only=True)
class _Analyst(TrafficWatcher):
    """Compares a release with what the router had counted of the one before."""

    target: str
    tally: RouterTally = field(default_factory=RouterTally)

    def count(self, counts: Counts) -> None:
        self.tally = counts.get((self.target, self.release), RouterTally())

    def find_faults(self) -> Iterator[str]:
        if not self.find_lacking():
            yield from find_faults(self.gate, self.tally, self.context.before.get(self.target))

    def find_lacking(self) -> str:
        requests = self.tally.requests
        return "" if requests >= self.needed else f"{requests} requests came in the soak"

    def describe(self) -> str:
        return describe_traffic(self.gate, self.tally)
