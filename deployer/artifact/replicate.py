"""Replicating: from store to store, inside a cloud by its own copy, else through memory."""

from collections.abc import Callable
from dataclasses import dataclass, field

from deployer.artifact.keys import artifact_uri, check_key, file_key, marker_key
from deployer.artifact.manifest import encode_manifest, fetch_manifest
from deployer.artifact.model import ArtifactFile
from deployer.artifact.proof import compare_stored, find_known, hash_stored
from deployer.artifact.push import SHA256
from deployer.artifact.workers import map_files
from deployer.errors import AlreadyExistsError, IntegrityError, NotFoundError
from deployer.ports import ObjectInfo, ObjectStore
from deployer.transfer import Lanes, Limits, RemoteSource, StoppedTransferError, Wanted
from deployer.values import Digest

__all__ = ["Replicated", "replicate_artifact"]


@dataclass(frozen=True, slots=True)
class Replicated:
    """What a replication did, in bytes.

    Attributes:
        copied_bytes: By the cloud itself: they never left it.
        moved_bytes: Through this machine: what has left the source's cloud, and is charged there.
        present_bytes: Were there already.
    """

    uri: str
    copied_bytes: int
    moved_bytes: int
    present_bytes: int


def replicate_artifact(
    source: ObjectStore,
    store: ObjectStore,
    digest: Digest,
    *,
    limits: Limits | None = None,
    progress: Callable[[int], None] | None = None,
) -> Replicated:
    """Bring an artifact from ``source`` into ``store``, proven there; needs no disk.

    Files that are there are not brought again, nor are parts of files that a killed replication
    left. The marker is written last.

    Raises:
        NotFoundError: The artifact is not in ``source``.
        IntegrityError: ``source`` does not hold what the digest promises.
    """
    files = fetch_manifest(source, digest)
    for file in files:
        check_key(store.url, file_key(digest, file.path))
    limits = limits or Limits()
    work = _Replication(source, store, digest, limits, progress or (lambda _count: None))
    done = map_files(work.ensure_file, files, stop=work.stop)
    try:
        store.put(marker_key(digest), encode_manifest(files), if_version="")
    except AlreadyExistsError:
        fetch_manifest(store, digest)
    return Replicated(
        artifact_uri(store.url, digest),
        copied_bytes=sum(one.copied for one in done),
        moved_bytes=sum(one.moved for one in done),
        present_bytes=sum(file.size for file in files) - sum(one.size for one in done),
    )


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of a file: its size if it was brought, and the bytes that went either way."""

    size: int = 0
    copied: int = 0
    moved: int = 0


@dataclass(slots=True)
class _Replication:
    source: ObjectStore
    store: ObjectStore
    digest: Digest
    limits: Limits
    progress: Callable[[int], None]
    lanes: Lanes = field(init=False)
    stopped: bool = False

    def __post_init__(self) -> None:
        self.lanes = Lanes(self.limits.workers)

    def stop(self) -> None:
        self.stopped = True

    def ensure_file(self, file: ArtifactFile) -> _Done:
        key = file_key(self.digest, file.path)
        there = find_known(self.store, key)
        if there is not None and self._is_proven(there, file):
            self.progress(file.size)
            return _Done()
        info = self.source.head(key)
        if info is None:
            raise NotFoundError(
                f"{self.source.url} has lost {key}", operation="read", resource=self.source.url
            )
        return self._copy(key, file, info) or self._move(key, file, info)

    def _is_proven(self, info: ObjectInfo, file: ArtifactFile) -> bool:
        if compare_stored(info, file) is not None:
            return False
        return info.metadata.get(SHA256) == file.sha256

    def _copy(self, key: str, file: ArtifactFile, info: ObjectInfo) -> _Done | None:
        """Let the cloud copy; None when it can't, or when the copy is not what it must be."""
        metadata = {SHA256: file.sha256}
        if not self._is_proven(info, file):
            return None
        copied = self.store.copy(key, self.source, info, metadata=metadata)
        if copied is None or compare_stored(copied, file) is not None:
            return None
        if not copied.proof and hash_stored(self.store, copied) != file.sha256:
            return None
        self.progress(file.size)
        return _Done(file.size, copied=file.size)

    def _move(self, key: str, file: ArtifactFile, info: ObjectInfo) -> _Done:
        wanted = Wanted(key, file.size, file.sha256)
        if info.size != file.size:
            raise IntegrityError(
                f"{self.source.url}/{key} is not what was promised: {info.size} bytes instead of "
                f"{file.size}"
            )
        source = RemoteSource(
            self.source, wanted, info.version, limits=self.limits, lanes=self.lanes
        )
        self.store.put_file(key, source, metadata={SHA256: file.sha256}, progress=self._tell)
        return _Done(file.size, moved=source.read_bytes)

    def _tell(self, count: int) -> None:
        if self.stopped:
            raise StoppedTransferError("the replication was stopped")
        self.progress(count)
