"""The analysis gate at a canary's step: its users beside the old release's, at the same time.

Counts are of this hold alone: what a router had counted when it began is taken off. Where a router
has taken the canary out of use for failed requests, users have judged already.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from deployer.execution.context import Context
from deployer.execution.traffic_limits import describe_traffic, find_faults
from deployer.execution.traffic_watcher import Counts, TrafficWatcher
from deployer.plan.model import Hold
from deployer.snapshot.router_counts import BackendKey, RouterTally

__all__ = ["open_canary_analyst"]


def open_canary_analyst(step: Hold, context: Context) -> TrafficWatcher | None:
    """Return who watches; None where the release is not judged by its traffic."""
    gate = context.bundle(step.release).gates.analysis
    if gate is None:
        return None
    subject = f"{step.target}: canary at {step.percent} %"
    return _CanaryAnalyst(gate, context, step.release, subject, step=step)


@dataclass(slots=True, kw_only=True)
class _CanaryAnalyst(TrafficWatcher):
    """Compares a canary with the release beside it on one target.

    Attributes:
        new, old: What was counted since the hold began, at the last look.
    """

    step: Hold
    new: RouterTally = field(default_factory=RouterTally)
    old: RouterTally = field(default_factory=RouterTally)
    _first: dict[BackendKey, RouterTally] = field(default_factory=dict)

    def count(self, counts: Counts) -> None:
        target = self.step.target
        keys = (target, self.release), (target, self.step.stable)
        for key in keys:
            self._first.setdefault(key, counts.get(key, RouterTally()))
        self.new, self.old = (
            counts.get(key, RouterTally()).since(self._first[key]) for key in keys
        )

    def find_faults(self) -> Iterator[str]:
        if self.new.ejected and not self.old.ejected:
            yield f"the router took it out of use: {self.new.ejected}"
        elif not self.find_lacking():
            yield from find_faults(self.gate, self.new, self.old)

    def find_lacking(self) -> str:
        if self.new.requests < self.needed:
            return f"{self.new.requests} requests came to the canary in the hold"
        compares = self.gate.worse is not None or self.gate.slower is not None
        if compares and self.old.requests < self.needed:
            return f"{self.old.requests} requests came to the old release in the hold"
        return ""

    def describe(self) -> str:
        new, old = (describe_traffic(self.gate, tally) for tally in (self.new, self.old))
        return f"{new}; the old release {old}"
