"""What the reading commands share: the session they need, and one look at what is live."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deployer.cli import output
from deployer.errors import NotFoundError, StateError
from deployer.ports import Clock, Probe, Provider
from deployer.release.records import Bundle, Head
from deployer.release.state import StateStore
from deployer.snapshot.observe import Observation, observe_targets
from deployer.spec.model import Spec

__all__ = [
    "Deployment",
    "Reader",
    "look_at",
    "open_reader",
    "read_releases",
    "unknown_without_state",
]

_UNKNOWN = 3


class Reader(Protocol):
    """The part of a session that reading takes."""

    @property
    def spec(self) -> Spec:
        """What the user wrote."""
        ...

    @property
    def providers(self) -> Mapping[str, Provider]:
        """Every target's provider, by the target's name."""
        ...

    @property
    def state(self) -> StateStore:
        """What is recorded."""
        ...

    @property
    def probe(self) -> Probe:
        """How an endpoint is asked."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is recorded of a deployment, and what its targets showed."""

    head: Head
    bundles: Mapping[int, Bundle]
    observations: tuple[Observation, ...]


def open_reader(file: Path) -> Reader:
    """Open the spec's session; no network is touched.

    Raises:
        SpecError: The spec is wrong.
    """
    from deployer.wiring import open_session

    session: Reader = open_session(file)
    return session


def look_at(session: Reader, *, timeout_seconds: float) -> Deployment:
    """Read the record and look at every live target; without a record nothing is live."""
    head = session.state.read_head() or Head(name=session.spec.name)
    bundles = read_releases(session, {head.desired, *head.live.values()} - {None})
    observations = observe_targets(
        head,
        bundles,
        session.providers,
        session.probe,
        session.clock,
        timeout_seconds=timeout_seconds,
    )
    return Deployment(head, bundles, observations)


def unknown_without_state(show: Callable[[], int]) -> int:
    """Return ``show()``; 3 when the state cannot be read, since then nothing is known.

    The error table's own 1 would read as "degraded" to a script.
    """
    try:
        return show()
    except StateError as error:
        output.print_error(error)
        return _UNKNOWN


def read_releases(session: Reader, numbers: Iterable[int | None]) -> dict[int, Bundle]:
    """Return the bundles by number; a number that was taken but never written is left out."""
    found: dict[int, Bundle] = {}
    for number in numbers:
        if number is None:
            continue
        try:
            found[number] = session.state.read_release(number)
        except NotFoundError:
            continue
    return found
