"""Collecting garbage: what no release refers to and nobody has touched for a while.

What is referred to is asked twice. A run records its release before it looks whether the artifact
is there, so a collector that takes the marker away first, and asks again then, finds every run that
had seen the marker, and puts it back; a run that comes later finds no marker and pushes.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deployer.artifact.inventory import StoredArtifact, list_artifacts
from deployer.artifact.keys import FOLDER, MARKER, artifact_prefix, marker_key
from deployer.artifact.workers import map_files
from deployer.errors import DeployerError, NotFoundError, SourceError
from deployer.ports import ObjectInfo, ObjectStore
from deployer.ports.incomplete import IncompleteUpload, IncompleteUploads
from deployer.values import Digest

__all__ = ["Garbage", "Place", "Rules", "Swept", "find_garbage", "sweep_garbage"]

_MAX_MANIFEST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """A store and its unfinished uploads; None where a store has none."""

    store: ObjectStore
    uploads: IncompleteUploads | None


@dataclass(frozen=True, slots=True)
class Rules:
    """What may go.

    Attributes:
        older_than: Nothing that was touched later goes; nothing whose age is not known goes unless
            this is zero.
        at_most: How many artifacts may go from all stores together.
    """

    older_than: timedelta
    at_most: int


@dataclass(frozen=True, slots=True)
class Garbage:
    """What may go from one store, and what stays though nobody refers to it, with the reason."""

    place: Place
    artifacts: tuple[StoredArtifact, ...]
    uploads: tuple[IncompleteUpload, ...]
    kept: tuple[str, ...] = field(default=())

    @property
    def size(self) -> int:
        """The bytes of the artifacts' files."""
        return sum(artifact.size for artifact in self.artifacts)


@dataclass(frozen=True, slots=True)
class Swept:
    """What went from one store; ``spared`` came to be referred to in the meantime."""

    url: str
    artifacts: tuple[Digest, ...]
    spared: tuple[Digest, ...]
    uploads: int
    size: int


def find_garbage(
    place: Place, referred: Collection[Digest], rules: Rules, now: datetime
) -> Garbage:
    """Return what may go from a store; changes nothing."""
    kept: list[str] = []
    artifacts = [one for one in list_artifacts(place.store) if one.digest not in referred]
    uploads = list(place.uploads.list(f"{FOLDER}/")) if place.uploads is not None else []
    old = [
        one
        for one in artifacts
        if _is_old(f"artifact {one.digest.short}", one.touched, rules, now, kept)
    ]
    stale = [one for one in uploads if _is_old(f"upload {one.key}", one.begun, rules, now, kept)]
    return Garbage(place, tuple(old), tuple(stale), tuple(kept))


def sweep_garbage(
    found: Sequence[Garbage], rules: Rules, ask_again: Callable[[], Collection[Digest]]
) -> list[Swept]:
    """Remove what was found; ``ask_again`` returns what is referred to by now.

    Raises:
        SourceError: More would go than ``rules`` allow; nothing went.
        DeployerError: A store failed. What is left without its marker goes the next time.
    """
    count = sum(len(one.artifacts) for one in found)
    if count > rules.at_most:
        raise SourceError(
            f"{count} artifacts would go, more than the {rules.at_most} that may",
            hint=f"Look at them with --dry-run, then allow it with --at-most {count}.",
        )
    hidden = [_hide(one) for one in found]
    try:
        referred = ask_again()
    except DeployerError:
        for one, markers in zip(found, hidden, strict=True):
            _show_again(one.place.store, markers, markers)
        raise
    return [_sweep(one, markers, referred) for one, markers in zip(found, hidden, strict=True)]


def _is_old(
    what: str, moment: datetime | None, rules: Rules, now: datetime, kept: list[str]
) -> bool:
    if not rules.older_than:
        return True
    if moment is None:
        kept.append(f"{what}: its store does not say how old it is")
        return False
    if now - moment < rules.older_than:
        kept.append(f"{what}: touched less than {rules.older_than} ago")
        return False
    return True


def _hide(garbage: Garbage) -> dict[Digest, bytes]:
    """Take the markers away; return them."""
    markers: dict[Digest, bytes] = {}
    store = garbage.place.store
    for artifact in garbage.artifacts:
        key = marker_key(artifact.digest)
        try:
            markers[artifact.digest] = store.get(key, max_bytes=_MAX_MANIFEST_BYTES).body
        except NotFoundError:
            continue
        store.delete(key)
    return markers


def _sweep(garbage: Garbage, markers: dict[Digest, bytes], referred: Collection[Digest]) -> Swept:
    store, uploads = garbage.place.store, garbage.place.uploads
    gone: list[StoredArtifact] = []
    spared: list[Digest] = []
    for artifact in garbage.artifacts:
        if artifact.digest in referred:
            spared.append(artifact.digest)
        else:
            _delete(store, store.list(artifact_prefix(artifact.digest)))
            gone.append(artifact)
    _show_again(store, spared, markers)
    aborted = [one for one in garbage.uploads if not _belongs_to(one, spared)]
    if uploads is not None:
        map_files(uploads.abort, aborted)
    return Swept(
        store.url,
        tuple(one.digest for one in gone),
        tuple(spared),
        len(aborted),
        sum(one.size for one in gone),
    )


def _show_again(
    store: ObjectStore, digests: Iterable[Digest], markers: dict[Digest, bytes]
) -> None:
    for digest in digests:
        if digest in markers:
            store.put(marker_key(digest), markers[digest])


def _delete(store: ObjectStore, infos: Iterable[ObjectInfo]) -> None:
    """Delete the files; a marker that came in the meantime is of somebody's push, and stays."""
    map_files(store.delete, [info.key for info in infos if not info.key.endswith(f"/{MARKER}")])


def _belongs_to(upload: IncompleteUpload, digests: Iterable[Digest]) -> bool:
    return any(upload.key.startswith(artifact_prefix(digest)) for digest in digests)
