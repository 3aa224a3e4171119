"""Pulling: no file gets its name before its bytes are proven."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployer.artifact.keys import file_key
from deployer.artifact.manifest import fetch_manifest
from deployer.artifact.model import Artifact, ArtifactFile, hash_file
from deployer.artifact.workers import map_files
from deployer.errors import IntegrityError, SetupError
from deployer.ports import ObjectStore
from deployer.values import Digest

__all__ = ["pull_artifact"]

_STAGING = ".deployer-pull"


def pull_artifact(
    store: ObjectStore,
    digest: Digest,
    dest: Path,
    *,
    progress: Callable[[int], None] | None = None,
) -> Artifact:
    """Bring an artifact's files under ``dest``, each compared with its sha256 before it is named.

    Files that are there and right are kept; others of these names are replaced, in one step each;
    files of other names are left alone. After a failure, what has a final name is right or is what
    was there before. One pull at a time per folder; what a killed one left is cleared away.

    Raises:
        NotFoundError: The artifact is not in the store.
        IntegrityError: The manifest or a file is not what the digest promises.
        SetupError: The folder cannot be written, or another pull is writing it.
    """
    with _os_errors(dest):
        dest.mkdir(parents=True, exist_ok=True)
        with _locked(dest), _staging(dest) as staging:
            files = fetch_manifest(store, digest)
            pull = _Pull(store, digest, dest.resolve(), staging, progress or (lambda _count: None))
            map_files(pull.ensure_file, files)
    return Artifact(dest, files)


@dataclass(frozen=True, slots=True)
class _Pull:
    store: ObjectStore
    digest: Digest
    dest: Path
    staging: Path
    progress: Callable[[int], None]

    def ensure_file(self, file: ArtifactFile) -> None:
        final = self.dest / file.path
        if _is_good(final, file):
            self.progress(file.size)
            return
        staged = self._download(file)
        final.parent.mkdir(parents=True, exist_ok=True)
        if not final.parent.resolve().is_relative_to(self.dest):
            raise SetupError(f"{final.parent} is a link that leads out of {self.dest}")
        staged.replace(final)
        _sync_folder(final.parent)

    def _download(self, file: ArtifactFile) -> Path:
        key = file_key(self.digest, file.path)
        sha256, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=self.staging, delete=False) as staged:
            os.fchmod(staged.fileno(), 0o644)
            for chunk in self.store.stream(key):
                staged.write(chunk)
                sha256.update(chunk)
                size += len(chunk)
                self.progress(len(chunk))
            staged.flush()
            os.fsync(staged.fileno())
        if sha256.hexdigest() != file.sha256:
            raise IntegrityError(
                f"{self.store.url}/{key} is not what was promised: {size} bytes with sha256 "
                f"{sha256.hexdigest()} instead of {file.size} with {file.sha256}",
                hint="Look at the whole artifact: deployer verify URI --deep",
            )
        return Path(staged.name)


def _is_good(path: Path, file: ArtifactFile) -> bool:
    """By its bytes, never by its time: a file of the right length may be half zeros."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size != file.size:
        return False
    return hash_file(path) == file.sha256


@contextmanager
def _os_errors(dest: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SetupError(f"cannot write to {dest}: {error.strerror}") from error


@contextmanager
def _locked(dest: Path) -> Iterator[None]:
    """Hold the folder itself; the lock ends with the process, however that ends."""
    number = os.open(dest, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise SetupError(
            f"another pull is writing to {dest}", hint="Wait for it, or pull somewhere else."
        ) from error
    finally:
        os.close(number)


@contextmanager
def _staging(dest: Path) -> Iterator[Path]:
    """Make an empty folder on the same file system, and remove it with all that is left in it."""
    folder = dest / _STAGING
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
