"""The analysis gate: what users got of a release while it soaks, as a router counted it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from deployer.errors import DeployerError, RolloutError, TransientError
from deployer.execution.context import Context
from deployer.plan.model import Route, Soak
from deployer.release.gates import AnalysisRecord
from deployer.snapshot.router_counts import (
    BackendKey,
    RouterTally,
    add_tallies,
    count_backends,
    read_page,
)

__all__ = ["Analyst", "open_analyst", "remember_traffic"]

_ROUTER_SECONDS = 5.0
_LOOK_SECONDS = 1.0


def remember_traffic(step: Route, context: Context) -> None:
    """Keep what users get of the releases that traffic is about to leave.

    A router forgets them with the routes. When it does not answer, or a killed run is gone on with
    after its shift, there is nothing to compare with, and the gate says so.
    """
    gate = context.bundle(step.release).gates.analysis if step.release else None
    if gate is None or gate.worse is None:
        return
    try:
        counts = _read_counts(gate, context)
    except DeployerError:
        return
    old = {key: tally for key, tally in counts.items() if key[1] != step.release}
    context.before.update(add_tallies(old))


@dataclass(slots=True)
class Analyst:
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
        """Ask the router, once a second at most.

        Raises:
            RolloutError: Enough was asked to say that a limit is crossed.
        """
        now = self.context.clock.monotonic()
        if now < self._next:
            return
        self._next = now + _LOOK_SECONDS
        try:
            counts = _read_counts(self.gate, self.context)
        except TransientError as error:
            self.error = error.message
            return
        self.error = ""
        self.tally = counts.get((self.step.target, self.step.release), RouterTally())
        faults = tuple(self._faults()) if self._enough else ()
        if faults:
            raise self._refuse("; ".join(faults))

    def conclude(self) -> str:
        """Return what was seen, at the end.

        Raises:
            RolloutError: A limit is crossed, or too little was seen to say that none is.
        """
        self._next = 0.0
        self.look()
        if self.error:
            raise self._refuse(f"nothing is known of its traffic: {self.error}")
        if not self._enough:
            raise self._refuse(
                f"{self.tally.requests} requests came in the soak, {self.gate.requests} are needed"
            )
        return ", ".join(self._words())

    @property
    def _enough(self) -> bool:
        return self.tally.requests >= max(self.gate.requests, 1)

    def _faults(self) -> Iterator[str]:
        rate = self.tally.error_rate or 0.0
        if self.gate.error_rate is not None and rate > self.gate.error_rate:
            yield f"{rate:.2%} of requests failed, {self.gate.error_rate:.2%} may"
        yield from self._compare(rate)
        yield from self._time()

    def _compare(self, rate: float) -> Iterator[str]:
        if self.gate.worse is None:
            return
        old = self.context.before.get(self.step.target)
        before = old.error_rate if old is not None else None
        if before is None:
            yield "there is nothing to compare with: the router knows no traffic of the old release"
        elif rate > before + self.gate.worse:
            yield (
                f"{rate:.2%} of requests failed, {before:.2%} did before; "
                f"{self.gate.worse:.2%} more may"
            )

    def _time(self) -> Iterator[str]:
        if self.gate.under is None or self.gate.share is None:
            return
        speed = self.tally.speed(self.gate.under)
        if speed is None or not speed.timed:
            yield "the router does not count how fast answers begin"
        elif speed.fast / speed.timed < self.gate.share:
            share = speed.fast / speed.timed
            yield (
                f"{share:.2%} of answers began within {speed.seconds:g} s, "
                f"{self.gate.share:.2%} must"
            )

    def _words(self) -> Iterator[str]:
        yield f"{self.tally.requests} requests"
        yield f"{self.tally.error_rate or 0.0:.2%} failed"
        speed = self.tally.speed(self.gate.under)
        if speed is not None and speed.timed:
            yield f"{speed.fast / speed.timed:.2%} within {speed.seconds:g} s"

    def _refuse(self, why: str) -> RolloutError:
        step = self.step
        return RolloutError(f"{step.target}: analysis: {why}", release=step.release)


def open_analyst(step: Soak, context: Context) -> Analyst | None:
    """Return who watches; None where the release is not judged by its traffic."""
    gate = context.bundle(step.release).gates.analysis
    return Analyst(step, gate, context) if gate is not None and step.judged else None


def _read_counts(gate: AnalysisRecord, context: Context) -> dict[BackendKey, RouterTally]:
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
