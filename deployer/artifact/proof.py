"""Proving that a store holds a file's very bytes: by its own checksum, else by reading back."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from deployer.artifact.model import CHUNK, ArtifactFile
from deployer.checksums import ALGORITHMS, Hasher, new_hasher
from deployer.errors import AccessDeniedError, SourceError
from deployer.ports import ObjectInfo, ObjectStore

__all__ = ["READ_BACK", "compare_stored", "find_known", "hash_stored", "prove_stored"]

READ_BACK = "read back"
"""How it was proven when no checksum of the store's could be used."""


def prove_stored(
    store: ObjectStore, info: ObjectInfo, file: ArtifactFile, source: Path
) -> str | None:
    """Return how it was proven that the object is ``file``, or None when it is not.

    The local file is read once more, so that its checksum is known to be of the bytes that were
    scanned.

    Raises:
        SourceError: The local file is no longer what was scanned.
    """
    algorithm = next((name for name in ALGORITHMS if name in info.checksums), None)
    local = _digest_source(source, file, algorithm)
    if info.size != file.size:
        return None
    if algorithm is None:
        return READ_BACK if hash_stored(store, info) == file.sha256 else None
    return algorithm if info.checksums[algorithm] == local else None


def compare_stored(info: ObjectInfo, file: ArtifactFile) -> str | None:
    """Return what is wrong with an object, as far as its info tells; None when nothing is."""
    if info.size != file.size:
        return f"{file.path}: {info.size} bytes instead of {file.size}"
    if info.checksums.get("sha256", file.sha256) != file.sha256:
        return f"{file.path}: the store's sha256 is {info.checksums['sha256']}"
    return None


def find_known(store: ObjectStore, key: str) -> ObjectInfo | None:
    """Return what is known to be at ``key``; None does not promise that nothing is.

    Who may not list is told of what is not there, too, that it is forbidden (S3 API, "HeadObject",
    Permissions; Cloud Storage does the same). Whoever goes on writes, and finds out by that.
    """
    try:
        return store.head(key)
    except AccessDeniedError:
        return None


def hash_stored(store: ObjectStore, info: ObjectInfo) -> str:
    """Return the sha256 in hex of an object, read back in the version ``info`` is of."""
    return _digest_all(store.stream(info.key, if_version=info.version), hashlib.sha256())


def _digest_source(source: Path, file: ArtifactFile, algorithm: str | None) -> str | None:
    sha256 = hashlib.sha256()
    other = new_hasher(algorithm) if algorithm else None
    try:
        with source.open("rb") as opened:
            while chunk := opened.read(CHUNK):
                sha256.update(chunk)
                if other is not None:
                    other.update(chunk)
    except OSError as error:
        raise SourceError(f"cannot read {source}: {error.strerror}") from error
    if sha256.hexdigest() != file.sha256:
        raise SourceError(
            f"{source} changed after it was scanned",
            hint="Wait until whatever writes it is done, then push again.",
        )
    return other.digest().hex() if other is not None else None


def _digest_all(chunks: Iterable[bytes], hasher: Hasher) -> str:
    for chunk in chunks:
        hasher.update(chunk)
    return hasher.digest().hex()
