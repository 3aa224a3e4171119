"""Faults on demand: a store that does what it is told to, in the order it was told."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from deployer.errors import ProviderError, TransientError
from deployer.ports import (
    Clock,
    ObjectInfo,
    ObjectStore,
    Source,
    StoredObject,
    StoredRange,
)

__all__ = ["Fault", "FlakyStore"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and when.

    Attributes:
        on_call: Counted from 1 over the calls that match; 0 means every one.
        method: ``head``, ``get``, ``stream``, ``read_range``, ``put``, ``put_file``, ``copy``,
            ``list``, ``delete``; empty means any.
        prefix: Only keys that start so.
        error: What is raised; None only delays.
        delay_seconds: Waited before anything else.
        after: Raise after the call has done its work: a lost response.
    """

    on_call: int = 1
    method: str = ""
    prefix: str = ""
    error: type[ProviderError] | None = TransientError
    delay_seconds: float = 0.0
    after: bool = False

    def matches(self, method: str, key: str) -> bool:
        """Return whether a call is one this fault counts."""
        return self.method in {"", method} and key.startswith(self.prefix)


class FlakyStore:
    """An `ObjectStore` around another one, with scripted faults.

    ``down`` makes every call fail with `TransientError` at once, until it is set back.
    ``calls`` is what was asked for, as ``method key``, in order. ``watch`` is told method and key
    before each call, and what it raises the call raises. ``alter`` changes every info that
    comes back from ``head``, ``put_file`` and ``list``: a store with other checksums, or with none.
    """

    def __init__(self, store: ObjectStore, clock: Clock, *faults: Fault) -> None:
        self._store = store
        self._clock = clock
        self._faults = list(faults)
        self._counts: dict[int, int] = {}
        self._lock = threading.Lock()
        self.down = False
        self.calls: list[str] = []
        self.watch: Callable[[str, str], None] = lambda _method, _key: None
        self.alter: Callable[[ObjectInfo], ObjectInfo] = lambda info: info

    @property
    def url(self) -> str:
        """See `ObjectStore.url`."""
        return self._store.url

    def add_fault(self, fault: Fault) -> None:
        """Let ``fault`` happen from now on."""
        with self._lock:
            self._faults.append(fault)

    @property
    def service(self) -> str:
        """See `ObjectStore.service`."""
        return self._store.service

    @property
    def customer_key(self) -> str:
        """See `ObjectStore.customer_key`."""
        return self._store.customer_key

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        info = self._run("head", key, lambda: self._store.head(key))
        return None if info is None else self.alter(info)

    def get(self, key: str, *, max_bytes: int = 16 << 20) -> StoredObject:
        """See `ObjectStore.get`."""
        return self._run("get", key, lambda: self._store.get(key, max_bytes=max_bytes))

    def stream(self, key: str, *, if_version: str | None = None) -> Iterator[bytes]:
        """See `ObjectStore.stream`. A fault after the call comes after the first chunk."""
        faults = self._begin("stream", key)
        for chunk in self._store.stream(key, if_version=if_version):
            yield chunk
            self._fail(faults, "stream", key, after=True)

    def put(
        self,
        key: str,
        body: bytes,
        *,
        if_version: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """See `ObjectStore.put`."""
        return self._run(
            "put",
            key,
            lambda: self._store.put(key, body, if_version=if_version, metadata=metadata),
        )

    def read_range(
        self, key: str, offset: int, length: int, *, if_version: str | None = None
    ) -> StoredRange:
        """See `ObjectStore.read_range`."""
        return self._run(
            "read_range",
            key,
            lambda: self._store.read_range(key, offset, length, if_version=if_version),
        )

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
        info = self._run(
            "put_file",
            key,
            lambda: self._store.put_file(
                key, source, if_absent=if_absent, metadata=metadata, progress=progress
            ),
        )
        return self.alter(info)

    def copy(
        self,
        key: str,
        source: ObjectStore,
        info: ObjectInfo,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo | None:
        """See `ObjectStore.copy`."""
        copied = self._run(
            "copy", key, lambda: self._store.copy(key, source, info, metadata=metadata)
        )
        return None if copied is None else self.alter(copied)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `ObjectStore.list`."""
        return map(self.alter, self._run("list", prefix, lambda: self._store.list(prefix)))

    def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        self._run("delete", key, lambda: self._store.delete(key))

    def _run(self, method: str, key: str, call: Callable[[], T]) -> T:
        faults = self._begin(method, key)
        result = call()
        self._fail(faults, method, key, after=True)
        return result

    def _begin(self, method: str, key: str) -> tuple[Fault, ...]:
        self.watch(method, key)
        faults = self._due(method, key)
        for fault in faults:
            if fault.delay_seconds:
                self._clock.sleep(fault.delay_seconds)
        if self.down:
            raise self._error(TransientError, method, key)
        self._fail(faults, method, key, after=False)
        return faults

    def _due(self, method: str, key: str) -> tuple[Fault, ...]:
        with self._lock:
            self.calls.append(f"{method} {key}")
            return tuple(
                fault
                for index, fault in enumerate(self._faults)
                if fault.matches(method, key) and self._is_turn(index, fault)
            )

    def _is_turn(self, index: int, fault: Fault) -> bool:
        self._counts[index] = self._counts.get(index, 0) + 1
        return fault.on_call in {0, self._counts[index]}

    def _fail(self, faults: tuple[Fault, ...], method: str, key: str, *, after: bool) -> None:
        for fault in faults:
            if fault.error is not None and fault.after is after:
                raise self._error(fault.error, method, key)

    def _error(self, kind: type[ProviderError], method: str, key: str) -> ProviderError:
        resource = f"{self.url}/{key}"
        return kind(f"{resource} failed as told", operation=method, resource=resource)
