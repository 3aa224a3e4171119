"""What lies where, and which releases refer to it."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from deployer.artifact import Place, StoredArtifact, list_artifacts, split_uri
from deployer.errors import DeployerError
from deployer.ports import Clock, ObjectStore
from deployer.release.references import Reference, References, read_references
from deployer.release.state import StateStore
from deployer.values import Digest

__all__ = ["Copy", "Holding", "Survey", "Upkeep", "survey_artifacts"]


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What is looked after.

    Attributes:
        places: The targets' stores, by URL.
        state_stores: Where releases are recorded.
        state: The spec's deployment, for its lease.
        lease_seconds: How long that holds without being renewed.
    """

    places: Mapping[str, Place]
    state_stores: Sequence[ObjectStore]
    state: StateStore
    lease_seconds: float
    clock: Clock


@dataclass(frozen=True, slots=True)
class Copy:
    """An artifact in one store: what is there, if anything, and whether a release expects it."""

    url: str
    stored: StoredArtifact | None
    expected: bool

    @property
    def state(self) -> str:
        """``complete``, ``incomplete`` (no marker), ``missing``."""
        if self.stored is None:
            return "missing"
        return "complete" if self.stored.complete else "incomplete"


@dataclass(frozen=True, slots=True)
class Holding:
    """One artifact: its copies, and the releases that refer to it, oldest first."""

    digest: Digest
    copies: tuple[Copy, ...]
    releases: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """All artifacts in the order of digests; ``unknown`` stores did not answer, with the reason."""

    holdings: tuple[Holding, ...]
    unknown: Mapping[str, str]


def survey_artifacts(upkeep: Upkeep, wanted: Collection[Digest] = ()) -> Survey:
    """List every store, all at once; with ``wanted``, only these artifacts.

    Raises:
        StateError: What releases refer to cannot be read.
    """
    references = read_references(upkeep.state_stores, upkeep.clock)
    listed = _list_all(upkeep)
    unknown = {url: one.message for url, one in listed.items() if isinstance(one, DeployerError)}
    stored = {url: one for url, one in listed.items() if not isinstance(one, DeployerError)}
    digests = {*references.releases, *(digest for found in stored.values() for digest in found)}
    chosen = sorted(digests & {*wanted} if wanted else digests)
    holdings = (_describe(digest, stored, references) for digest in chosen)
    return Survey(tuple(holdings), {**references.unread, **unknown})


def _list_all(upkeep: Upkeep) -> dict[str, dict[Digest, StoredArtifact] | DeployerError]:
    with ThreadPoolExecutor(max(1, len(upkeep.places))) as pool:
        found = pool.map(_list_one, upkeep.places.values())
        return dict(zip(upkeep.places, found, strict=True))


def _list_one(place: Place) -> dict[Digest, StoredArtifact] | DeployerError:
    try:
        return {one.digest: one for one in list_artifacts(place.store)}
    except DeployerError as error:
        return error


def _describe(
    digest: Digest, stored: Mapping[str, Mapping[Digest, StoredArtifact]], references: References
) -> Holding:
    expected = {split_uri(uri)[0] for uri in references.places.get(digest, ())}
    copies = [
        Copy(url, found.get(digest), url in expected)
        for url, found in stored.items()
        if digest in found or url in expected
    ]
    releases = sorted(references.releases.get(digest, ()))
    return Holding(digest, tuple(copies), tuple(releases))
