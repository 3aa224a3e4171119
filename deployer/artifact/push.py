"""Pushing: every file proven in the store, then the marker. Before it, nobody sees anything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deployer.artifact.keys import (
    artifact_prefix,
    artifact_uri,
    check_key,
    file_key,
    marker_key,
)
from deployer.artifact.manifest import encode_manifest, fetch_manifest
from deployer.artifact.model import Artifact, ArtifactFile
from deployer.artifact.proof import prove_stored
from deployer.artifact.workers import map_files
from deployer.errors import AlreadyExistsError, IntegrityError
from deployer.ports import ObjectInfo, ObjectStore
from deployer.values import Digest

__all__ = ["Pushed", "push_artifact"]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did.

    Attributes:
        uploaded_bytes: Of the files that were not there yet.
        skipped_files: How many were there already, and proven.
        checks: By path, what proved the stored bytes: ``sha256``, ``crc32c``, ``crc32``, ``md5``
            (the store's own checksum) or ``read back``.
    """

    uri: str
    digest: Digest
    uploaded_bytes: int
    skipped_files: int
    checks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Done:
    file: ArtifactFile
    how: str
    uploaded: bool


def push_artifact(
    artifact: Artifact, store: ObjectStore, *, progress: Callable[[int], None] | None = None
) -> Pushed:
    """Upload what is not there, prove all of it, then write the marker.

    A killed push leaves files without a marker: nobody sees them, and the next push takes them
    over. ``progress`` is told bytes as they are done, sent or found there; from several threads.

    Raises:
        SourceError: A file changed after it was scanned, or its key would be too long.
        IntegrityError: The store holds something else than was sent. No marker was written.
    """
    digest = artifact.digest
    for file in artifact.files:
        check_key(store.url, file_key(digest, file.path))
    there = {info.key: info for info in store.list(artifact_prefix(digest))}
    push = _Push(artifact, digest, store, there, progress or (lambda _count: None))
    done = map_files(push.ensure_file, artifact.files)
    _write_marker(store, digest, artifact)
    return Pushed(
        artifact_uri(store.url, digest),
        digest,
        uploaded_bytes=sum(one.file.size for one in done if one.uploaded),
        skipped_files=sum(not one.uploaded for one in done),
        checks={one.file.path: one.how for one in done},
    )


@dataclass(frozen=True, slots=True)
class _Push:
    artifact: Artifact
    digest: Digest
    store: ObjectStore
    there: Mapping[str, ObjectInfo]
    progress: Callable[[int], None]

    def ensure_file(self, file: ArtifactFile) -> _Done:
        how = self._find(file)
        if how is not None:
            self.progress(file.size)
            return _Done(file, how, uploaded=False)
        return _Done(file, self._upload(file), uploaded=True)

    def _find(self, file: ArtifactFile) -> str | None:
        listed = self.there.get(file_key(self.digest, file.path))
        if listed is None or listed.size != file.size:
            return None
        info = self.store.head(listed.key)
        return None if info is None else self._prove(info, file)

    def _upload(self, file: ArtifactFile) -> str:
        key = file_key(self.digest, file.path)
        source = self.artifact.root / file.path
        info = self.store.put_file(key, source, progress=self.progress)
        how = self._prove(info, file)
        if how is None:
            raise IntegrityError(f"{self.store.url}/{key} is not what was sent")
        return how

    def _prove(self, info: ObjectInfo, file: ArtifactFile) -> str | None:
        return prove_stored(self.store, info, file, self.artifact.root / file.path)


def _write_marker(store: ObjectStore, digest: Digest, artifact: Artifact) -> None:
    """Write the manifest once; one that is there counts if it lists these very files."""
    try:
        store.put(marker_key(digest), encode_manifest(artifact.files), if_version="")
    except AlreadyExistsError:
        fetch_manifest(store, digest)
