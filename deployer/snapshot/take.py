"""Reads all that a plan needs: the state by majority, every target at once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from deployer.artifact import ask_for_artifact
from deployer.cost.rates import freeze_prices
from deployer.errors import DeployerError, NotFoundError
from deployer.parallel import ask_each
from deployer.ports import Clock, Provider
from deployer.ports.applyset import kinds_in, parent_of
from deployer.release.records import Bundle, PriceRecord
from deployer.release.state import StateStore
from deployer.snapshot.model import Snapshot, TargetSnapshot
from deployer.values import Digest

__all__ = ["Place", "take_snapshot"]


@dataclass(frozen=True, slots=True)
class Place:
    """What has to be known of a target to read it: its provider, and what its machine is.

    Attributes:
        option: How the machine is bought: ``on-demand`` or ``spot``.
    """

    provider: Provider
    region: str
    machine: str
    option: str = "on-demand"


def take_snapshot(
    places: Mapping[str, Place],
    state: StateStore,
    digest: Digest,
    *,
    clock: Clock,
    author: str,
    timeout_seconds: float = 15.0,
) -> Snapshot:
    """Read the state and every target, in parallel; a target that fails is unknown, not absent.

    Raises:
        StateError: No majority of the state stores answers.
    """
    head = state.read_head()
    releases = tuple(state.list_releases())
    at = clock.now()
    calls = {name: _reader(name, place, state.name, digest, at) for name, place in places.items()}
    answers = ask_each(calls, timeout_seconds=timeout_seconds, what="reading the target")
    targets = {name: _known(name, answer, places[name], at) for name, answer in answers.items()}
    bundles = {number: _read_release(state, number) for number in _releases_on(targets.values())}
    return Snapshot(
        at=at,
        author=author,
        head=head,
        releases=releases,
        newest=_read_release(state, releases[-1] if releases else None),
        desired=_read_release(state, head.desired if head else None),
        routes=state.read_routes(),
        bundles={number: bundle for number, bundle in bundles.items() if bundle is not None},
        targets=targets,
    )


def _reader(
    name: str, place: Place, deployment: str, digest: Digest, at: datetime
) -> Callable[[], TargetSnapshot]:
    def read() -> TargetSnapshot:
        present = ask_for_artifact(place.provider.store, digest)
        cluster = place.provider.cluster
        cluster.describe()
        kinds = kinds_in(cluster.get(parent_of(deployment)))
        return TargetSnapshot(
            target=name,
            at=at,
            store_unknown=present.message if isinstance(present, DeployerError) else "",
            artifact_present=present is True,
            live=cluster.list({"deployer/name": deployment}, kinds=kinds),
            prices=_prices(place),
        )

    return read


def _known(
    name: str, answer: TargetSnapshot | DeployerError, place: Place, at: datetime
) -> TargetSnapshot:
    if isinstance(answer, DeployerError):
        return TargetSnapshot(target=name, at=at, unknown=answer.message, prices=_prices(place))
    return answer


def _prices(place: Place) -> tuple[PriceRecord, ...]:
    provider = place.provider
    return freeze_prices(
        provider.prices, provider.cloud, place.region, place.machine, option=place.option
    )


def _releases_on(targets: Iterable[TargetSnapshot]) -> set[int]:
    """Return the releases that have any object on a target: what may have to stay, or to go."""
    return set[int]().union(*(target.releases for target in targets))


def _read_release(state: StateStore, number: int | None) -> Bundle | None:
    if number is None:
        return None
    try:
        return state.read_release(number)
    except NotFoundError:
        return None
