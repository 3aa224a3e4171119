"""Pulling: no file gets its name before its bytes are proven."""

import fcntl
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deployer.artifact.durable import sync_file_system, sync_folder
from deployer.artifact.keys import file_key
from deployer.artifact.manifest import fetch_manifest
from deployer.artifact.model import Artifact, ArtifactFile, hash_file
from deployer.artifact.workers import map_files
from deployer.errors import DeployerError, IntegrityError, SetupError
from deployer.ports import ObjectStore
from deployer.transfer import (
    Lanes,
    Limits,
    StoppedTransferError,
    Wanted,
    discard_staged,
    fetch_file,
    has_journal,
)
from deployer.values import Digest

__all__ = ["pull_artifact"]

_STAGING = ".deployer-pull"
_BATCH = 512
"""Small files that are brought to the disk together."""


def pull_artifact(
    store: ObjectStore,
    digest: Digest,
    dest: Path,
    *,
    limits: Limits | None = None,
    progress: Callable[[int], None] | None = None,
) -> Artifact:
    """Bring an artifact's files under ``dest``, each compared with its sha256 before it is named.

    Files that are there and right are kept; others of these names are replaced, in one step each;
    files of other names are left alone. After a failure, what has a final name is right or is what
    was there before. One pull at a time per folder; what a killed or interrupted one left is gone
    on with, as far as its bytes are good.

    Raises:
        NotFoundError: The artifact is not in the store.
        IntegrityError: The manifest or a file is not what the digest promises.
        SetupError: The folder cannot be written, or another pull is writing it.
    """
    with _os_errors(dest):
        dest.mkdir(parents=True, exist_ok=True)
        with _locked(dest), _staging(dest) as staging:
            files = fetch_manifest(store, digest)
            pull = _Pull(
                store,
                digest,
                dest.resolve(),
                staging,
                limits or Limits(),
                progress or (lambda _count: None),
            )
            pull.run(files)
    return Artifact(dest, files)


@dataclass(slots=True)
class _Pull:
    store: ObjectStore
    digest: Digest
    dest: Path
    staging: Path
    limits: Limits
    progress: Callable[[int], None]
    lanes: Lanes = field(init=False)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.lanes = Lanes(self.limits.workers)

    def run(self, files: Sequence[ArtifactFile]) -> None:
        self._clear_foreign({self._staged(file).name for file in files})
        large = [file for file in files if file.size > self.limits.range_bytes]
        small = [file for file in files if file.size <= self.limits.range_bytes]
        map_files(self._ensure_large, large, stop=self.stopped.set)
        for first in range(0, len(small), _BATCH):
            self._ensure_small(small[first : first + _BATCH])

    def _ensure_large(self, file: ArtifactFile) -> None:
        if self._fetch(file, durable=True):
            self._place([file])

    def _ensure_small(self, files: Sequence[ArtifactFile]) -> None:
        """Fetch many files, then bring them to the disk at once: a call for each costs more."""
        fetched = map_files(
            lambda file: self._fetch(file, durable=False), files, stop=self.stopped.set
        )
        new = [file for file, is_new in zip(files, fetched, strict=True) if is_new]
        if new:
            sync_file_system(self.staging)
            self._place(new)

    def _fetch(self, file: ArtifactFile, *, durable: bool) -> bool:
        """Stage a file, proven; False when it is in its place already."""
        if _is_good(self.dest / file.path, file):
            self.progress(file.size)
            return False
        fetch_file(
            self.store,
            Wanted(file_key(self.digest, file.path), file.size, file.sha256),
            self._staged(file),
            limits=self.limits,
            lanes=self.lanes,
            progress=self._tell,
            durable=durable,
        )
        return True

    def _place(self, files: Sequence[ArtifactFile]) -> None:
        """Give proven files their names, each in one step."""
        parents = {(self.dest / file.path).parent for file in files}
        for parent in parents:
            parent.mkdir(parents=True, exist_ok=True)
            if not parent.resolve().is_relative_to(self.dest):
                raise SetupError(f"{parent} is a link that leads out of {self.dest}")
        for file in files:
            staged = self._staged(file)
            staged.replace(self.dest / file.path)
            discard_staged(staged)
        for parent in parents:
            sync_folder(parent)

    def _tell(self, count: int) -> None:
        if self.stopped.is_set():
            raise StoppedTransferError("the pull was stopped")
        self.progress(count)

    def _staged(self, file: ArtifactFile) -> Path:
        """Return where a file waits until it is proven: its name is of its path and its bytes."""
        path = hashlib.sha256(file.path.encode()).hexdigest()
        return self.staging / f"{path[:16]}-{file.sha256[:32]}"

    def _clear_foreign(self, names: Container[str]) -> None:
        """Remove what was staged for another artifact, or cannot be gone on with."""
        for found in list(self.staging.iterdir()):
            name = found.name.partition(".")[0]
            if name not in names or not has_journal(self.staging / name):
                _remove(found)


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
    """Make a folder on the same file system; what is half done stays in it for the next pull.

    Nothing stays when all is done, or when it is of no use: damaged bytes, a disk that is full.
    """
    folder = dest / _STAGING
    folder.mkdir(exist_ok=True)
    keep = False
    try:
        yield folder
    except (IntegrityError, SetupError, OSError):
        raise
    except (DeployerError, KeyboardInterrupt):
        keep = any(has_journal(staged) for staged in folder.iterdir())
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
