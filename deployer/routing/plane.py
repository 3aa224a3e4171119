"""A data plane that is a program of its own: what we tell it, what it tells us, what it promises.

The embedded plane is no `DataPlane`: there health is judged in the same process that passes the
requests on, see `deployer.routing.router`. The engines carry out the same `Conduct` by themselves
and go on when nobody is there to tell them anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from deployer.release.records import Backend
from deployer.routing.conduct import Conduct
from deployer.routing.fleet import key_of
from deployer.routing.health import Source, State

__all__ = ["DataPlane", "Endpoint", "Orders", "SeenBackend", "Sight"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A backend as an engine connects to it.

    Attributes:
        authority: What ``Host`` says: the URL's host, and its port unless it is the scheme's own.
        address: The IP address; empty while the host's name can't be resolved.
        prefix: The URL's path; engines take none.
    """

    backend: Backend
    authority: str
    host: str
    address: str
    port: int
    tls: bool = False
    prefix: str = ""

    @property
    def key(self) -> str:
        """The backend's identity, ``<target>/<release>``."""
        return key_of(self.backend)


@dataclass(frozen=True, slots=True)
class Orders:
    """All that a data plane is told: how to behave, and towards whom."""

    conduct: Conduct = field(default_factory=Conduct)
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def reachable(self) -> tuple[Endpoint, ...]:
        """The endpoints that have an address."""
        return tuple(endpoint for endpoint in self.endpoints if endpoint.address)


@dataclass(frozen=True, slots=True)
class SeenBackend:
    """A backend as the engine sees it; None is what this engine does not count.

    Attributes:
        since_seconds: How long it has been in this state.
    """

    key: str
    state: State
    reason: str
    source: Source = Source.ACTIVE
    since_seconds: float | None = None
    requests: int = 0
    failures: int = 0
    cut_short: int | None = None
    in_flight: int = 0
    ejections: int | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What a running engine says of itself.

    Attributes:
        draining: Requests in flight at those that are no longer wanted, by address.
        queued: Requests that wait for a free backend.
    """

    backends: tuple[SeenBackend, ...]
    draining: tuple[tuple[str, int], ...] = ()
    queued: int = 0
    requests: int = 0
    retries: int = 0
    abandoned: int = 0


class DataPlane(Protocol):
    """One engine in one folder. Calls block for milliseconds, `stop` and a restart for longer.

    Whatever happens to the process that holds this object, the engine serves on as it was told
    last: nothing but `stop` ends it.
    """

    @property
    def name(self) -> str:
        """The engine's word on the command line."""
        ...

    @property
    def url(self) -> str:
        """Where it listens."""
        ...

    def start(self, orders: Orders | None) -> bool:
        """Start it, or take over the one that runs in the folder; True when one did.

        Args:
            orders: None leaves one that runs as it is, and starts another without backends.

        Raises:
            SetupError: It is not installed, or can't listen.
            StateError: It refuses the orders.
        """
        ...

    def apply(self, orders: Orders) -> None:
        """Make it so and prove it by reading back; requests under way are not disturbed.

        Raises:
            StateError: The engine refuses it, or does not do it: it was told the last good orders
                again and serves by them.
        """
        ...

    def reconcile(self) -> Sequence[str]:
        """Put right what differs from the orders, and return what that was, in words.

        A dead engine is started again; those that were drained are let go.

        Raises:
            StateError: It can't be put right.
        """
        ...

    def look(self) -> Sight:
        """Return what it sees now.

        Raises:
            StateError: It does not answer.
        """
        ...

    def stop(self, drain_seconds: float) -> None:
        """Listen no more, let requests under way finish for so long, and end it."""
        ...
