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
from deployer.artifact.proof import compare_stored, find_known, prove_stored
from deployer.artifact.workers import map_files
from deployer.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    ExpiredLoginError,
    IntegrityError,
    NotFoundError,
)
from deployer.ports import ObjectInfo, ObjectStore, Source
from deployer.transfer import Reader, SharedReads
from deployer.values import Digest

__all__ = ["MANIFEST", "SHA256", "Pushed", "push_artifact"]

SHA256 = "sha256"
"""The metadata entry that says what a file's bytes are; written with them, once they are proven."""

MANIFEST = "manifest"
"""How files are known that were proven when the manifest was written, and not looked into again."""

_FEW = 1_000
"""Files whose names and sizes are one page of a listing in every store."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did.

    Attributes:
        uploaded_bytes: Of the files that were not there yet.
        skipped_files: How many were there already, and proven.
        checks: By path, what proved the stored bytes: the store's own checksum (``sha256``,
            ``crc64nvme``, ``crc32c``, ``md5``, ``crc64 of each block``), ``read back``, or an
            earlier push (``manifest``; ``sha256 kept`` with the object).
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
    artifact: Artifact,
    store: ObjectStore,
    *,
    reader: Reader | None = None,
    thorough: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Pushed:
    """Upload what is not there, prove all of it, then write the marker.

    A killed push leaves files without a marker, and parts of files: nobody sees them, and the next
    push takes them over. An artifact whose marker is there takes three requests at most: its files
    were proven before, and up to a thousand of them are looked for again, with their sizes.

    Args:
        artifact: What is pushed.
        store: Where to.
        reader: Shares the reading of the files with pushes to other stores.
        thorough: Prove every file that is there by the store's checksum, else by reading it back.
        progress: Told bytes as they are done, sent or found there; from several threads.

    Raises:
        SourceError: A file changed after it was scanned, or its key would be too long.
        IntegrityError: The store holds something else than was sent. No marker was written.
    """
    digest = artifact.digest
    for file in artifact.files:
        check_key(store.url, file_key(digest, file.path))
    with reader or SharedReads(1).reader(0) as reads:
        push = _Push(artifact, digest, store, reads, thorough, progress or (lambda _count: None))
        done = push.run()
    return Pushed(
        artifact_uri(store.url, digest),
        digest,
        uploaded_bytes=sum(one.file.size for one in done if one.uploaded),
        skipped_files=sum(not one.uploaded for one in done),
        checks={one.file.path: one.how for one in done},
    )


@dataclass(slots=True)
class _Push:
    artifact: Artifact
    digest: Digest
    store: ObjectStore
    reader: Reader
    thorough: bool
    progress: Callable[[int], None]
    marked: bool = False
    there: Mapping[str, ObjectInfo] | None = None

    def run(self) -> list[_Done]:
        files = self.artifact.files
        self.marked = _is_marked(self.store, self.digest)
        if self.marked and not self.thorough and len(files) > _FEW:
            return [self._skip(file, MANIFEST) for file in files]
        self.there = self._find_there()
        done = map_files(self._ensure_file, files, stop=self.reader.stop)
        if not self.marked:
            _write_marker(self.store, self.digest, self.artifact)
        return done

    def _find_there(self) -> Mapping[str, ObjectInfo] | None:
        """Return what is there of the artifact, by key; None when it can't be listed."""
        try:
            return {info.key: info for info in self.store.list(artifact_prefix(self.digest))}
        except AccessDeniedError:
            return None

    def _look(self, file: ArtifactFile) -> ObjectInfo | None:
        key = file_key(self.digest, file.path)
        return find_known(self.store, key) if self.there is None else self.there.get(key)

    def _ensure_file(self, file: ArtifactFile) -> _Done:
        source = self.artifact.root / file.path
        with self.reader.open(source, sha256=file.sha256, marks=file.marks) as opened:
            listed = self._look(file)
            how = self._find(file, listed)
            if how is not None:
                return self._skip(file, how)
            how = self._upload(file, opened, taken=listed is not None)
            return _Done(file, how, uploaded=True)

    def _skip(self, file: ArtifactFile, how: str) -> _Done:
        self.progress(file.size)
        return _Done(file, how, uploaded=False)

    def _find(self, file: ArtifactFile, listed: ObjectInfo | None) -> str | None:
        """Return how it is known that the file is there, or None when it is to be sent."""
        if listed is None or compare_stored(listed, file) is not None:
            return None
        if self.marked and not self.thorough:
            return MANIFEST
        info = self.store.head(listed.key)
        if info is None:
            return None
        if info.metadata.get(SHA256) == file.sha256 and not self.thorough:
            return "sha256 kept"
        return self._prove(info, file)

    def _upload(self, file: ArtifactFile, source: Source, *, taken: bool) -> str:
        key = file_key(self.digest, file.path)
        info = self._put(key, source, {SHA256: file.sha256}, taken=taken)
        wrong = compare_stored(info, file)
        how = None if wrong else info.proof or self._prove(info, file)
        if how is None:
            raise IntegrityError(f"{self.store.url}/{key} is not what was sent")
        return how

    def _put(
        self, key: str, source: Source, metadata: Mapping[str, str], *, taken: bool
    ) -> ObjectInfo:
        """Write to a free key; what is there with other bytes under this name is no good."""

        def put(*, if_absent: bool) -> ObjectInfo:
            return self.store.put_file(
                key, source, if_absent=if_absent, metadata=metadata, progress=self.progress
            )

        if taken:
            return put(if_absent=False)
        try:
            return put(if_absent=True)
        except AlreadyExistsError:
            return put(if_absent=False)

    def _prove(self, info: ObjectInfo, file: ArtifactFile) -> str | None:
        return prove_stored(self.store, info, file, self.artifact.root / file.path)


def _is_marked(store: ObjectStore, digest: Digest) -> bool:
    """Whether it is known that a push was completed; a marker of other files is an error.

    Who may not list may not be told that it is not there, see `find_known`.
    """
    try:
        fetch_manifest(store, digest)
    except ExpiredLoginError:
        raise
    except (NotFoundError, AccessDeniedError):
        return False
    return True


def _write_marker(store: ObjectStore, digest: Digest, artifact: Artifact) -> None:
    """Write the manifest once; one that is there counts if it lists these very files."""
    try:
        store.put(marker_key(digest), encode_manifest(artifact.files), if_version="")
    except AlreadyExistsError:
        fetch_manifest(store, digest)
