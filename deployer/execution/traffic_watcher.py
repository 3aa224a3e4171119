"""Watching what users get of a release, as a router counts it: again and again, and at the end."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deployer.errors import RolloutError, TransientError
from deployer.execution.context import Context
from deployer.release.gates import AnalysisRecord
from deployer.snapshot.router_counts import BackendKey, RouterTally, count_backends, read_page

__all__ = ["Counts", "TrafficWatcher", "read_counts"]

Counts = Mapping[BackendKey, RouterTally]

_LOOK_SECONDS = 1.0
"""How often a router is asked, at most."""

_ROUTER_SECONDS = 5.0


@dataclass(slots=True)
class TrafficWatcher(ABC):
    """Judges a release by its traffic on one target: when to look, and what becomes of it.

    Attributes:
        release: The one that is judged.
        subject: How messages begin: of which target, at which step.
        error: Why the router could not be asked at the last look; empty when it could.
    """

    gate: AnalysisRecord
    context: Context
    release: int
    subject: str
    error: str = "it was not asked"
    _next: float = 0.0

    def look(self) -> None:
        """Ask the router, once a second at most.

        Raises:
            RolloutError: Enough is known to refuse the release.
        """
        now = self.context.clock.monotonic()
        if now < self._next:
            return
        self._next = now + _LOOK_SECONDS
        try:
            counts = read_counts(self.gate, self.context)
        except TransientError as error:
            self.error = error.message
            return
        self.error = ""
        self.count(counts)
        if faults := "; ".join(self.find_faults()):
            raise RolloutError(f"{self.subject}: {faults}", release=self.release)

    def conclude(self) -> str:
        """Return what was seen, at the end.

        Raises:
            RolloutError: A limit is crossed.
            TransientError: Too little was seen to say that none is: no fault of the release.
        """
        self._next = 0.0
        self.look()
        if doubt := self.find_doubt():
            raise TransientError(
                f"{self.subject}: {doubt}", operation="analysis", resource=self.gate.router
            )
        return self.describe()

    def find_doubt(self) -> str:
        """Say why no verdict can be given by what was seen last; empty when one can."""
        if self.error:
            return f"nothing is known of its traffic: {self.error}"
        lacking = self.find_lacking()
        return f"{lacking}, {self.gate.requests} are needed" if lacking else ""

    @property
    def patience(self) -> float:
        """Seconds for which more is watched at the end, while too little was seen."""
        return self.gate.wait_seconds

    @property
    def needed(self) -> int:
        """How many requests tell something."""
        return max(self.gate.requests, 1)

    @abstractmethod
    def count(self, counts: Counts) -> None:
        """Take in what the router has counted by now."""

    @abstractmethod
    def find_faults(self) -> Iterator[str]:
        """Yield what refuses the release, by what was counted last."""

    @abstractmethod
    def find_lacking(self) -> str:
        """Say of which traffic too little was seen; empty when there was enough."""

    @abstractmethod
    def describe(self) -> str:
        """Return what was seen, in a few words."""


def read_counts(gate: AnalysisRecord, context: Context) -> Counts:
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
