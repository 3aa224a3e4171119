"""Which artifacts a store holds, by a single listing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from deployer.artifact.keys import FOLDER, MARKER, split_key
from deployer.ports import ObjectInfo, ObjectStore
from deployer.values import Digest

__all__ = ["StoredArtifact", "list_artifacts"]


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """What a store holds of an artifact.

    Attributes:
        files: Without the marker.
        size: Of the files, in bytes.
        complete: Whether the marker is there; without it nobody sees the files.
        touched: When the newest of its objects was written, by the store's clock; None when the
            store did not say it of every one.
    """

    digest: Digest
    files: int
    size: int
    complete: bool
    touched: datetime | None


def list_artifacts(store: ObjectStore) -> Iterator[StoredArtifact]:
    """Yield every artifact in the store, in the order of digests; nothing is read but the listing.

    Objects whose keys are none of an artifact are left out.
    """
    ours = ((split_key(info.key), info) for info in store.list(f"{FOLDER}/"))
    known = ((place, info) for place, info in ours if place is not None)
    for digest, group in groupby(known, key=lambda entry: entry[0][0]):
        yield _sum_up(digest, ((place[1], info) for place, info in group))


def _sum_up(digest: Digest, objects: Iterator[tuple[str, ObjectInfo]]) -> StoredArtifact:
    files, size, complete = 0, 0, False
    times: list[datetime | None] = []
    for path, info in objects:
        if path == MARKER:
            complete = True
        else:
            files, size = files + 1, size + info.size
        times.append(info.modified)
    said = [time for time in times if time is not None]
    touched = max(said) if len(said) == len(times) else None
    return StoredArtifact(digest, files, size, complete, touched)
