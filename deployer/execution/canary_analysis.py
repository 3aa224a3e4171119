"""The analysis gate at a canary's step: its users beside the old release's, at the same time.

Counts are of this hold alone: what a router had counted when it began is taken off. Where a router
has taken the canary out of use for failed requests, users have judged already.
"""

from dataclasses import dataclass, field

from deployer.errors import RolloutError, TransientError
from deployer.execution.analysis import LOOK_SECONDS, Watcher, read_counts
from deployer.execution.context import Context
from deployer.execution.traffic_limits import describe_traffic, find_faults
from deployer.plan.model import Hold
from deployer.release.gates import AnalysisRecord
from deployer.snapshot.router_counts import BackendKey, RouterTally

__all__ = ["open_canary_analyst"]


def open_canary_analyst(step: Hold, context: Context) -> Watcher | None:
    """Return who watches; None where the release is not judged by its traffic."""
    gate = context.bundle(step.release).gates.analysis
    return _CanaryAnalyst(step, gate, context) if gate is not None else None


@dataclass(slots=True)
class _CanaryAnalyst:
    """Watches a canary and the release beside it on one target.

    Attributes:
        new, old: What was counted since the hold began, at the last look.
        error: Why the router could not be asked then; empty when it could.
    """

    step: Hold
    gate: AnalysisRecord
    context: Context
    new: RouterTally = field(default_factory=RouterTally)
    old: RouterTally = field(default_factory=RouterTally)
    error: str = "it was not asked"
    _first: dict[BackendKey, RouterTally] = field(default_factory=dict)
    _next: float = 0.0

    def look(self) -> None:
        """See `Watcher.look`."""
        now = self.context.clock.monotonic()
        if now < self._next:
            return
        self._next = now + LOOK_SECONDS
        try:
            self._count()
        except TransientError as error:
            self.error = error.message
            return
        self.error = ""
        if self.new.ejected and not self.old.ejected:
            raise self._refuse(f"the router took it out of use: {self.new.ejected}")
        faults = tuple(find_faults(self.gate, self.new, self.old)) if not self._lacking else ()
        if faults:
            raise self._refuse("; ".join(faults))

    def conclude(self) -> str:
        """See `Watcher.conclude`."""
        self._next = 0.0
        self.look()
        if self.error:
            raise self._refuse(f"nothing is known of its traffic: {self.error}")
        if self._lacking:
            raise self._refuse(f"{self._lacking}, {self.gate.requests} are needed")
        new, old = (describe_traffic(self.gate, tally) for tally in (self.new, self.old))
        return f"{new}; the old release {old}"

    def _count(self) -> None:
        counts = read_counts(self.gate, self.context)
        target = self.step.target
        keys = (target, self.step.release), (target, self.step.stable)
        for key in keys:
            self._first.setdefault(key, counts.get(key, RouterTally()))
        self.new, self.old = (
            counts.get(key, RouterTally()).since(self._first[key]) for key in keys
        )

    @property
    def _lacking(self) -> str:
        """Say of which side too little was seen; empty when enough was of both that count."""
        needed = max(self.gate.requests, 1)
        if self.new.requests < needed:
            return f"{self.new.requests} requests came to the canary in the hold"
        compares = self.gate.worse is not None or self.gate.slower is not None
        if compares and self.old.requests < needed:
            return f"{self.old.requests} requests came to the old release in the hold"
        return ""

    def _refuse(self, why: str) -> RolloutError:
        step = self.step
        return RolloutError(
            f"{step.target}: canary at {step.percent} %: {why}", release=step.release
        )
