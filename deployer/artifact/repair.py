"""Repairing an artifact: what is damaged or missing in one store, from another's proven copy."""

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from deployer.artifact.keys import artifact_prefix, file_key, marker_key
from deployer.artifact.manifest import encode_manifest, fetch_manifest
from deployer.artifact.model import ArtifactFile
from deployer.artifact.proof import compare_stored, hash_stored
from deployer.artifact.workers import map_files
from deployer.errors import DeployerError, IntegrityError, NotFoundError
from deployer.ports import ObjectInfo, ObjectStore
from deployer.values import Digest

__all__ = ["Repaired", "repair_artifact"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was done to one store's copy.

    Attributes:
        files: The paths that were brought anew, in order.
        size: Their bytes.
        marker: Whether the manifest was.
        sources: The stores that anything came from.
    """

    url: str
    digest: Digest
    files: tuple[str, ...]
    size: int
    marker: bool
    sources: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether anything was wrong."""
        return self.marker or bool(self.files)


def repair_artifact(
    store: ObjectStore, digest: Digest, others: Sequence[ObjectStore], *, deep: bool
) -> Repaired:
    """Make the store's copy whole again; what is good is left alone.

    No file is replaced before the one that is to replace it is proven; it goes through a temporary
    file of its size. The marker comes last.

    Args:
        store: Whose copy.
        digest: Of the artifact.
        others: Where good copies may be, in order of preference.
        deep: Find damage by reading every byte, instead of by sizes and the store's checksums.

    Raises:
        IntegrityError: A file is damaged or missing, and no store has a good one.
        NotFoundError: No store has the manifest.
    """
    manifest = _find_manifest(store, digest, others)
    prefix = artifact_prefix(digest)
    there = {info.key.removeprefix(prefix): info for info in store.list(prefix)}
    verdicts = map_files(lambda file: _is_bad(store, there, file, deep=deep), manifest.files)
    bad = [file for file, wrong in zip(manifest.files, verdicts, strict=True) if wrong]
    came = map_files(lambda file: _bring(store, digest, file, others), bad)
    if manifest.source is not None:
        store.put(marker_key(digest), encode_manifest(manifest.files))
    return Repaired(
        store.url,
        digest,
        files=tuple(file.path for file in bad),
        size=sum(file.size for file in bad),
        marker=manifest.source is not None,
        sources=tuple(sorted({*came, *([manifest.source] if manifest.source else [])})),
    )


@dataclass(frozen=True, slots=True)
class _Manifest:
    """The files, and the URL they were read from when the store's own could not be used."""

    files: tuple[ArtifactFile, ...]
    source: str | None


def _find_manifest(store: ObjectStore, digest: Digest, others: Sequence[ObjectStore]) -> _Manifest:
    try:
        return _Manifest(fetch_manifest(store, digest), None)
    except (NotFoundError, IntegrityError) as error:
        first = error
    return _try_each(
        others, lambda other: _Manifest(fetch_manifest(other, digest), other.url), first
    )


def _is_bad(
    store: ObjectStore, there: dict[str, ObjectInfo], file: ArtifactFile, *, deep: bool
) -> bool:
    listed = there.get(file.path)
    info = store.head(listed.key) if listed is not None else None
    if info is None or compare_stored(info, file) is not None:
        return True
    return deep and hash_stored(store, info) != file.sha256


def _bring(
    store: ObjectStore, digest: Digest, file: ArtifactFile, others: Sequence[ObjectStore]
) -> str:
    """Replace one file; return the URL of the store that had it."""
    key = file_key(digest, file.path)
    missing = IntegrityError(
        f"{store.url}/{key} is damaged or missing, and no other store has a good one",
        hint="Push the model again: deployer push SOURCE STORE",
    )
    with tempfile.TemporaryDirectory(prefix="deployer-repair-") as folder:
        path = Path(folder) / "file"
        source = _try_each(others, lambda other: _fetch(other, key, file, path), missing)
        info = store.put_file(key, path)
        if hash_stored(store, info) != file.sha256:
            raise IntegrityError(f"{store.url}/{key} is not what was sent")
    return source


def _fetch(store: ObjectStore, key: str, file: ArtifactFile, path: Path) -> str:
    sha256 = hashlib.sha256()
    with path.open("wb") as staged:
        for chunk in store.stream(key):
            staged.write(chunk)
            sha256.update(chunk)
    if sha256.hexdigest() != file.sha256:
        raise IntegrityError(f"{store.url}/{key} is damaged too")
    return store.url


def _try_each(
    others: Sequence[ObjectStore], act: Callable[[ObjectStore], T], first: DeployerError
) -> T:
    """Return what the first store that can gives; else raise ``first``, the others as notes."""
    for other in others:
        try:
            return act(other)
        except DeployerError as error:
            first.add_note(f"nor from {other.url}: {error.message}")
    raise first
