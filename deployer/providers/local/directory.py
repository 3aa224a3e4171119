"""A directory as an object store: for one machine, the edge, and tests.

The first write makes the directory; until then the store is empty. Objects are plain files under
their own names; characters a file name cannot hold are percent-encoded. What the store knows beside
the bytes lies under ``.deployer-store``, one small file per object, bound to the data file's inode
and time: a file that was put there by hand is an object like any other, its checksum computed when
asked.

Limits: a name between two slashes has at most 255 bytes, and there can be no object ``a`` beside an
object ``a/b``. Locking is ``flock``: on a network file system, conditional writes are as good as
its locks.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from deployer.errors import (
    AlreadyExistsError,
    IntegrityError,
    NotFoundError,
    PreconditionError,
    ProviderError,
    SetupError,
)
from deployer.ports import ObjectInfo, ObjectStore, Source, StoredObject, StoredRange
from deployer.providers.local.about import About, describe_file, drop_about, write_about
from deployer.providers.local.errors import translated
from deployer.providers.local.names import OWN, key_of, name_of
from deployer.providers.local.sources import opened
from deployer.providers.transfer import CHUNK, check_range
from deployer.transfer import Limits

__all__ = ["DirectoryStore", "connect_store"]

_MODE = 0o644


def connect_store(url: str) -> "DirectoryStore":
    """Return the store at ``file:///path``; no I/O before the first call.

    Raises:
        SetupError: The URL is not of that form.
    """
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not parts.path:
        raise SetupError(f"{url!r} is not the address of a store", hint="Write file:///PATH.")
    return DirectoryStore(Path(unquote(parts.path)))


class DirectoryStore:
    """See `ObjectStore`."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._own = self._root / OWN

    @property
    def url(self) -> str:
        """See `ObjectStore.url`."""
        return self._root.as_uri()

    @property
    def service(self) -> str:
        """See `ObjectStore.service`."""
        return "file://"

    @property
    def customer_key(self) -> str:
        """See `ObjectStore.customer_key`."""
        return ""

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        self._refuse_file()
        with self._translated("read", key):
            return self._head(key)

    def get(self, key: str, *, max_bytes: int = 16 << 20) -> StoredObject:
        """See `ObjectStore.get`."""
        with self._opened(key) as file, self._translated("read", key):
            info = describe_file(self._own, key, file)
            if info.size > max_bytes:
                raise ProviderError(
                    f"{self.url}/{key} has {info.size} bytes, more than the {max_bytes} expected",
                    operation="read",
                    resource=f"{self.url}/{key}",
                )
            return StoredObject(file.read(), info)

    def stream(self, key: str, *, if_version: str | None = None) -> Iterator[bytes]:
        """See `ObjectStore.stream`. One open file is one version throughout."""
        with self._opened(key) as file, self._translated("read", key):
            if if_version is not None:
                self._check_version(key, describe_file(self._own, key, file), if_version)
            while chunk := file.read(CHUNK):
                yield chunk

    def put(
        self,
        key: str,
        body: bytes,
        *,
        if_version: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """See `ObjectStore.put`."""
        with self._temporary(key) as file:
            file.write(body)
            sha256 = hashlib.sha256(body).hexdigest()
            try:
                return self._publish(key, file, metadata or {}, if_version, sha256=sha256)
            except AlreadyExistsError:
                found = self.get(key, max_bytes=max(len(body), 1 << 20))
                if found.body == body:
                    return found.info
                raise

    def read_range(
        self, key: str, offset: int, length: int, *, if_version: str | None = None
    ) -> StoredRange:
        """See `ObjectStore.read_range`."""
        with self._opened(key) as file, self._translated("read", key):
            info = describe_file(self._own, key, file)
            if if_version is not None:
                self._check_version(key, info, if_version)
            body = os.pread(file.fileno(), length, offset)
        found = StoredRange(body, info.version, info.size)
        return check_range(found, offset, length, f"{self.url}/{key}")

    def put_file(
        self,
        key: str,
        source: Path | Source,
        *,
        if_absent: bool = False,
        metadata: Mapping[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> ObjectInfo:
        """See `ObjectStore.put_file`. What was written is read again and compared."""
        tell = progress or (lambda _count: None)
        sha256 = hashlib.sha256()
        with opened(source) as chunks, self._temporary(key) as file:
            for chunk in chunks.chunks(Limits().part_bytes):
                file.write(chunk.body)
                sha256.update(chunk.body)
                tell(len(chunk.body))
                chunk.release()
            chunks.finish()
            condition = "" if if_absent else None
            try:
                return self._publish(
                    key, file, metadata or {}, condition, sha256=sha256.hexdigest()
                )
            except AlreadyExistsError:
                found = self.head(key)
                if found is None or found.checksums.get("sha256") != sha256.hexdigest():
                    raise
                return replace(found, proof="sha256")

    def copy(
        self,
        key: str,
        source: ObjectStore,
        info: ObjectInfo,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo | None:
        """See `ObjectStore.copy`. Not done: bytes are read and written here either way."""
        del key, source, info, metadata
        return None

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `ObjectStore.list`."""
        self._refuse_file()
        with self._translated("list", prefix):
            found = [key_of(name) for name in _walk(self._root)]
        for key in sorted((key for key in found if key.startswith(prefix)), key=str.encode):
            info = self.head(key)
            if info is not None:  # deleted since
                yield info

    def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        self._refuse_file()
        path = self._path(key)
        with self._translated("delete", key):
            if not path.is_file():
                return
        with self._translated("delete", key), self._lock():
            if path.is_file():
                path.unlink()
                drop_about(self._own, key)
                _remove_empty(path.parent, self._root)

    def _path(self, key: str) -> Path:
        return self._root / name_of(key)

    @contextmanager
    def _translated(self, operation: str, key: str) -> Iterator[None]:
        with translated(operation, f"{self.url}/{key}"):
            yield

    def _refuse_file(self) -> None:
        """Refuse a path where no directory can be; one that is missing is made by a write."""
        with self._translated("open", ""):
            if not self._root.exists() or self._root.is_dir():
                return
        raise SetupError(
            f"{self._root} is a file, and a store is a folder", hint="Write file:///FOLDER."
        )

    def _head(self, key: str) -> ObjectInfo | None:
        try:
            with self._path(key).open("rb") as file:
                return describe_file(self._own, key, file)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    @contextmanager
    def _opened(self, key: str) -> Iterator[IO[bytes]]:
        self._refuse_file()
        with self._translated("read", key):
            try:
                file = self._path(key).open("rb")
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
                raise self._missing(key) from error
        with file:
            yield file

    def _missing(self, key: str) -> NotFoundError:
        resource = f"{self.url}/{key}"
        return NotFoundError(f"there is no {resource}", operation="read", resource=resource)

    @contextmanager
    def _temporary(self, key: str) -> Iterator[IO[bytes]]:
        """Open a file on the same file system that is gone afterwards, unless published."""
        self._refuse_file()
        with self._translated("write", key):
            folder = self._own / "tmp"
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                try:
                    yield file
                finally:
                    Path(file.name).unlink(missing_ok=True)

    def _publish(
        self,
        key: str,
        file: IO[bytes],
        metadata: Mapping[str, str],
        if_version: str | None,
        *,
        sha256: str,
    ) -> ObjectInfo:
        file.flush()
        os.fchmod(file.fileno(), _MODE)
        os.fsync(file.fileno())
        about = About.of(file, metadata)
        if about.sha256 != sha256:
            raise IntegrityError(f"{self.url}/{key} was not written as it was sent")
        with self._lock():
            self._check_condition(key, if_version)
            write_about(self._own, key, about)
            self._rename(Path(file.name), self._path(key))
        return replace(about.info(key), proof="sha256")

    def _check_condition(self, key: str, if_version: str | None) -> None:
        if if_version is None:
            return
        found = self._head(key)
        resource = f"{self.url}/{key}"
        if if_version:
            self._check_version(key, found, if_version)
        elif found is not None:
            raise AlreadyExistsError(
                f"{resource} exists already", operation="write", resource=resource
            )

    def _check_version(self, key: str, found: ObjectInfo | None, if_version: str) -> None:
        if found is None or found.version != if_version:
            resource = f"{self.url}/{key}"
            raise PreconditionError(
                f"{resource} was changed by somebody else", operation="write", resource=resource
            )

    def _rename(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        _sync_folder(target.parent)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Exclude every other writer, threads and processes alike; held only for a rename."""
        self._own.mkdir(parents=True, exist_ok=True)
        with (self._own / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _walk(root: Path) -> Iterator[str]:
    """Yield every file's path; a folder that cannot be read is an error, one that went is not."""
    for folder, folders, files in os.walk(root, onerror=_raise_unless_gone):
        if folder == str(root) and OWN in folders:
            folders.remove(OWN)
        for name in files:
            yield Path(folder, name).relative_to(root).as_posix()


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
