"""A store in memory, for tests: the contract, and nothing that outlives the process."""

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from deployer.errors import AlreadyExistsError, NotFoundError, PreconditionError, ProviderError
from deployer.ports import Clock, ObjectInfo, ObjectStore, Source, StoredObject, StoredRange
from deployer.providers.local.sources import opened
from deployer.providers.transfer import CHUNK, check_range

__all__ = ["MemoryStore"]


class MemoryStore:
    """See `ObjectStore`. Versions are a counter; `modified` is the clock's."""

    def __init__(self, clock: Clock, url: str = "memory://store") -> None:
        self._clock = clock
        self._url = url
        self._objects: dict[str, StoredObject] = {}
        self._versions = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """See `ObjectStore.url`."""
        return self._url

    @property
    def service(self) -> str:
        """See `ObjectStore.service`."""
        return self.url

    @property
    def customer_key(self) -> str:
        """See `ObjectStore.customer_key`."""
        return ""

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        found = self._objects.get(key)
        return found.info if found else None

    def get(self, key: str, *, max_bytes: int = 16 << 20) -> StoredObject:
        """See `ObjectStore.get`."""
        found = self._find(key)
        if found.info.size > max_bytes:
            resource = f"{self.url}/{key}"
            raise ProviderError(
                f"{resource} has {found.info.size} bytes, more than the {max_bytes} expected",
                operation="read",
                resource=resource,
            )
        return found

    def stream(self, key: str, *, if_version: str | None = None) -> Iterator[bytes]:
        """See `ObjectStore.stream`."""
        found = self._find(key)
        if if_version is not None and found.info.version != if_version:
            raise self._moved(key)
        for at in range(0, len(found.body), CHUNK):
            yield found.body[at : at + CHUNK]

    def put(
        self,
        key: str,
        body: bytes,
        *,
        if_version: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """See `ObjectStore.put`."""
        with self._lock:
            found = self._objects.get(key)
            if if_version == "" and found is not None:
                return self._keep(found, body)
            if if_version and (found is None or found.info.version != if_version):
                raise self._moved(key)
            return self._store(key, body, metadata or {})

    def read_range(
        self, key: str, offset: int, length: int, *, if_version: str | None = None
    ) -> StoredRange:
        """See `ObjectStore.read_range`."""
        found = self._find(key)
        if if_version is not None and found.info.version != if_version:
            raise self._moved(key)
        body = found.body[offset : offset + length]
        part = StoredRange(body, found.info.version, found.info.size)
        return check_range(part, offset, length, f"{self.url}/{key}")

    def put_file(
        self,
        key: str,
        source: Path | Source,
        *,
        if_absent: bool = False,
        metadata: Mapping[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> ObjectInfo:
        """See `ObjectStore.put_file`."""
        body = bytearray()
        with opened(source) as file:
            for chunk in file.chunks(CHUNK * 16):
                body += chunk.body
                if progress is not None:
                    progress(len(chunk.body))
                chunk.release()
            file.finish()
        condition = "" if if_absent else None
        info = self.put(key, bytes(body), if_version=condition, metadata=metadata)
        return replace(info, proof="sha256")

    def copy(
        self,
        key: str,
        source: ObjectStore,
        info: ObjectInfo,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo | None:
        """See `ObjectStore.copy`. Only within this store."""
        if source.url != self.url:
            return None
        body = self.read_range(info.key, 0, info.size, if_version=info.version).body
        return replace(self.put(key, body, metadata=metadata), proof="sha256")

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `ObjectStore.list`."""
        with self._lock:
            infos = [found.info for key, found in self._objects.items() if key.startswith(prefix)]
        return iter(sorted(infos, key=lambda info: info.key.encode()))

    def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        with self._lock:
            self._objects.pop(key, None)

    def _find(self, key: str) -> StoredObject:
        found = self._objects.get(key)
        if found is None:
            resource = f"{self.url}/{key}"
            raise NotFoundError(f"there is no {resource}", operation="read", resource=resource)
        return found

    def _moved(self, key: str) -> PreconditionError:
        resource = f"{self.url}/{key}"
        return PreconditionError(
            f"{resource} was changed by somebody else", operation="write", resource=resource
        )

    def _keep(self, found: StoredObject, body: bytes) -> ObjectInfo:
        if found.body == body:
            return found.info
        resource = f"{self.url}/{found.info.key}"
        raise AlreadyExistsError(f"{resource} exists already", operation="write", resource=resource)

    def _store(self, key: str, body: bytes, metadata: Mapping[str, str]) -> ObjectInfo:
        info = ObjectInfo(
            key,
            len(body),
            str(next(self._versions)),
            checksums={"sha256": hashlib.sha256(body).hexdigest()},
            metadata={name.lower(): value for name, value in metadata.items()},
            modified=self._clock.now(),
        )
        self._objects[key] = StoredObject(body, info)
        return info
