"""The manifest: the list of an artifact's files, and the marker that says it is complete."""

import json
from collections.abc import Iterable

from deployer.artifact.keys import check_paths, marker_key
from deployer.artifact.model import ArtifactFile, describe_files, digest_files
from deployer.errors import IntegrityError, NotFoundError, SourceError, StateError
from deployer.ports import ObjectStore
from deployer.values import Digest, Json, canonical_json

__all__ = ["decode_manifest", "encode_manifest", "fetch_manifest"]

_SCHEMA = 1
_MAX_BYTES = 256 << 20


def encode_manifest(files: Iterable[ArtifactFile]) -> bytes:
    """Return the manifest as canonical JSON: the same files are always the same bytes."""
    listed = list(files)
    return canonical_json(
        {
            "schema": _SCHEMA,
            "files": describe_files(listed),
            "total": sum(file.size for file in listed),
        }
    )


def decode_manifest(body: bytes, digest: Digest, *, where: str) -> tuple[ArtifactFile, ...]:
    """Return the files a manifest lists, once it is proven to be the one of ``digest``.

    Raises:
        StateError: It was written by a newer version.
        IntegrityError: It is damaged or another artifact's, or names a path that would lead out of
            the folder it is pulled into.
    """
    files = _read_files(body, where)
    found = digest_files(files)
    if found != digest:
        raise IntegrityError(f"{where} is the manifest of {found}, not of {digest}")
    try:
        check_paths(file.path for file in files)
    except SourceError as error:
        raise IntegrityError(f"{where} names a file that must not be: {error.message}") from error
    return files


def fetch_manifest(store: ObjectStore, digest: Digest) -> tuple[ArtifactFile, ...]:
    """Read an artifact's manifest from ``store``.

    Raises:
        NotFoundError: The artifact is not there, or was never completed.
        IntegrityError: See `decode_manifest`.
    """
    key = marker_key(digest)
    try:
        body = store.get(key, max_bytes=_MAX_BYTES).body
    except NotFoundError as error:
        raise NotFoundError(
            f"there is no artifact {digest} in {store.url}",
            operation="read",
            resource=error.resource,
            hint="Push it there: deployer push SOURCE STORE",
        ) from error
    return decode_manifest(body, digest, where=f"{store.url}/{key}")


def _read_files(body: bytes, where: str) -> tuple[ArtifactFile, ...]:
    try:
        document = json.loads(body)
        if document["schema"] > _SCHEMA:
            raise StateError(
                f"{where} was written by a newer deployer (schema {document['schema']}, "
                f"this one knows {_SCHEMA})",
                hint="Upgrade deployer.",
            )
        return tuple(_read_file(entry) for entry in document["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{where} is damaged: it is not a manifest") from error


def _read_file(entry: Json) -> ArtifactFile:
    path, size, sha256 = entry["path"], entry["size"], entry["sha256"]
    if not (isinstance(path, str) and isinstance(size, int)):
        raise TypeError(path)
    return ArtifactFile(path, size, Digest(sha256).hex)
