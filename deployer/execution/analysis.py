"""The analysis gate: what users got of a release while it soaks, as a router counted it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from deployer.errors import DeployerError, RolloutError, TransientError
from deployer.execution.context import Context
from deployer.execution.traffic_limits import describe_traffic, find_faults
from deployer.plan.model import Route, Soak
from deployer.release.gates import AnalysisRecord
from deployer.snapshot.router_counts import (
    BackendKey,
    RouterTally,
    add_tallies,
    count_backends,
    read_page,
)

__all__ = ["LOOK_SECONDS", "Watcher", "open_analyst", "read_counts", "remember_traffic"]

LOOK_SECONDS = 1.0
"""How often a router is asked, at most."""

_ROUTER_SECONDS = 5.0


class Watcher(Protocol):
    """Judges what users get of a release, again and again and at the end."""

    def look(self) -> None:
        """Ask the router, once a second at most.

        Raises:
            RolloutError: Enough is known to refuse the release.
        """
        ...

    def conclude(self) -> str:
        """Return what was seen, at the end.

        Raises:
            RolloutError: A limit is crossed, or too little was seen to say that none is.
        """
        ...


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


@dataclass(slots=True)
class _Analyst:
    """Watches one release on one target through a router.

    Attributes:
        tally: What was counted at the last look.
        error: Why the router could not be asked then; empty when it could.
    """

    step: Soak
    gate: AnalysisRecord
    context: Context
    tally: RouterTally = field(default_factory=RouterTally)
    error: str = "it was not asked"
    _next: float = 0.0

    def look(self) -> None:
        """See `Watcher.look`."""
        now = self.context.clock.monotonic()
        if now < self._next:
            return
        self._next = now + LOOK_SECONDS
        try:
            counts = read_counts(self.gate, self.context)
        except TransientError as error:
            self.error = error.message
            return
        self.error = ""
        self.tally = counts.get((self.step.target, self.step.release), RouterTally())
        old = self.context.before.get(self.step.target)
        faults = tuple(find_faults(self.gate, self.tally, old)) if self._enough else ()
        if faults:
            raise self._refuse("; ".join(faults))

    def conclude(self) -> str:
        """See `Watcher.conclude`."""
        self._next = 0.0
        self.look()
        if self.error:
            raise self._refuse(f"nothing is known of its traffic: {self.error}")
        if not self._enough:
            raise self._refuse(
                f"{self.tally.requests} requests came in the soak, {self.gate.requests} are needed"
            )
        return describe_traffic(self.gate, self.tally)

    @property
    def _enough(self) -> bool:
        return self.tally.requests >= max(self.gate.requests, 1)

    def _refuse(self, why: str) -> RolloutError:
        step = self.step
        return RolloutError(f"{step.target}: analysis: {why}", release=step.release)


def open_analyst(step: Soak, context: Context) -> Watcher | None:
    """Return who watches; None where the release is not judged by its traffic."""
    gate = context.bundle(step.release).gates.analysis
    return _Analyst(step, gate, context) if gate is not None and step.judged else None


def read_counts(gate: AnalysisRecord, context: Context) -> Mapping[BackendKey, RouterTally]:
    """Return what the gate's router has counted, by target and release.

    Raises:
        TransientError: It does not answer, not as a router of ours does, or for another deployment.
    """
    if context.probe is None:
        raise TransientError("nobody can ask", operation="look at the router", resource=gate.router)
    page = read_page(
        context.probe, gate.router, timeout_seconds=_ROUTER_SECONDS, name=context.state.name
    )
    try:
        return count_backends(page)
    except (KeyError, TypeError, ValueError) as error:
        raise TransientError(
            f"{gate.router} is no router of ours", operation="look at it", resource=gate.router
        ) from error
