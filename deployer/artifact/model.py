"""An artifact: a model's files with their digests, and the one digest of them all."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from deployer.transfer import Marks
from deployer.values import Digest, Json, digest_of

__all__ = ["CHUNK", "Artifact", "ArtifactFile", "describe_files", "digest_files", "hash_file"]

CHUNK = 1 << 20
"""Bytes read at a time; no file is ever whole in memory."""


@dataclass(frozen=True, slots=True, order=True)
class ArtifactFile:
    """One file: its path under the root with ``/`` between parts, its size, its sha256 in hex.

    Attributes:
        marks: What tells a change since it was scanned; None when it was not scanned by this
            process. No part of what the file is.
    """

    path: str
    size: int
    sha256: str
    marks: Marks | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Artifact:
    """Files in the byte order of their paths, under ``root``.

    Two artifacts with the same files have the same digest, wherever they are and whenever they were
    written: names, sizes and bytes count, times and permissions do not.
    """

    root: Path
    files: tuple[ArtifactFile, ...]

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def digest(self) -> Digest:
        """The identity of the content."""
        return digest_files(self.files)


def describe_files(files: Iterable[ArtifactFile]) -> list[Json]:
    """Return the files as JSON data: what the digest is taken of, and what a manifest lists."""
    return [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in files]


def digest_files(files: Iterable[ArtifactFile]) -> Digest:
    """Return the sha256 of the canonical JSON of ``files``, in the order given."""
    return digest_of(describe_files(files))


def hash_file(path: Path) -> str:
    """Return the sha256 of a file in hex, streamed.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
