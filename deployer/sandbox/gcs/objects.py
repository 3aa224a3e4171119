"""Buckets and the objects in them: immutable values replaced under one lock."""

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from deployer.ports.clock import Clock
from deployer.sandbox.checksums import crc32c_base64, md5_base64
from deployer.sandbox.gcs.conditions import Conditions
from deployer.sandbox.gcs.refusal import RefusedError
from deployer.sandbox.listing import Page, list_page

__all__ = ["OCTETS", "Buckets", "Draft", "StoredObject"]

OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a client wants stored, with the checksums it claims and the digest of its key."""

    data: bytes
    content_type: str = OCTETS
    content_encoding: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    crc32c: str = ""
    md5: str = ""
    composite: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as it is. ``md5`` is empty for composites and multipart uploads."""

    bucket: str
    name: str
    data: bytes
    content_type: str
    content_encoding: str
    metadata: Mapping[str, str]
    generation: int
    metageneration: int
    crc32c: str
    md5: str
    created: datetime
    updated: datetime
    key: str = ""


class Buckets:
    """All that is stored. Safe to use from many threads; every write is atomic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, dict[str, StoredObject]] = {}
        self._lock = threading.RLock()
        self._generations = itertools.count(int(self._clock.now().timestamp() * 1e6))

    def create(self, bucket: str) -> None:
        """Make a bucket; refuses one that is there."""
        with self._lock:
            if bucket in self._buckets:
                raise RefusedError(409, "conflict", f"bucket {bucket} exists already")
            self._buckets[bucket] = {}

    def drop(self, bucket: str) -> None:
        """Delete a bucket; refuses one that is not empty."""
        with self._lock:
            if self._bucket(bucket):
                raise RefusedError(409, "conflict", f"bucket {bucket} is not empty")
            del self._buckets[bucket]

    def now(self) -> datetime:
        """Return the service's time."""
        return self._clock.now()

    def names(self) -> list[str]:
        """Return the buckets' names in order."""
        with self._lock:
            return sorted(self._buckets)

    def check(self, bucket: str) -> None:
        """Refuse a bucket that does not exist."""
        with self._lock:
            self._bucket(bucket)

    def put(self, bucket: str, name: str, draft: Draft, conditions: Conditions) -> StoredObject:
        """Store a new generation, if its checksums and the conditions hold."""
        crc32c, md5 = _checked(draft)
        with self._lock:
            objects = self._bucket(bucket)
            conditions.check_write(objects.get(name))
            now = self._clock.now()
            stored = StoredObject(
                bucket=bucket,
                name=name,
                data=draft.data,
                content_type=draft.content_type,
                content_encoding=draft.content_encoding,
                metadata=dict(draft.metadata),
                generation=next(self._generations),
                metageneration=1,
                crc32c=crc32c,
                md5=md5,
                created=now,
                updated=now,
                key=draft.key,
            )
            objects[name] = stored
            return stored

    def check_put(self, bucket: str, name: str, conditions: Conditions) -> None:
        """Refuse what `put` would refuse now, before a client sends its bytes."""
        with self._lock:
            conditions.check_write(self._bucket(bucket).get(name))

    def get(self, bucket: str, name: str, conditions: Conditions) -> StoredObject:
        """Return the live object; another generation than the one asked for is not there."""
        with self._lock:
            stored = self._object(bucket, name, conditions)
        conditions.check_read(stored)
        return stored

    def patch(
        self, bucket: str, name: str, changes: Mapping[str, object], conditions: Conditions
    ) -> StoredObject:
        """Change metadata: a new metageneration of the same generation."""
        with self._lock:
            stored = self._object(bucket, name, conditions)
            conditions.check_write(stored)
            patched = replace(
                stored,
                metadata=_merged(stored.metadata, changes.get("metadata")),
                content_type=str(changes.get("contentType") or stored.content_type),
                metageneration=stored.metageneration + 1,
                updated=self._clock.now(),
            )
            self._buckets[bucket][name] = patched
            return patched

    def delete(self, bucket: str, name: str, conditions: Conditions) -> None:
        """Delete the live object."""
        with self._lock:
            conditions.check_write(self._object(bucket, name, conditions))
            del self._buckets[bucket][name]

    def page(
        self, bucket: str, *, prefix: str, delimiter: str, after: str, limit: int
    ) -> tuple[Page, list[StoredObject]]:
        """Return one page of names and the objects on it."""
        with self._lock:
            objects = self._bucket(bucket)
            page = list_page(objects, prefix=prefix, delimiter=delimiter, after=after, limit=limit)
            return page, [objects[name] for name in page.names]

    def _bucket(self, bucket: str) -> dict[str, StoredObject]:
        if bucket not in self._buckets:
            raise RefusedError(404, "notFound", f"The specified bucket does not exist: {bucket}")
        return self._buckets[bucket]

    def _object(self, bucket: str, name: str, conditions: Conditions) -> StoredObject:
        stored = self._bucket(bucket).get(name)
        if stored is None or conditions.generation not in (None, stored.generation):
            raise RefusedError(404, "notFound", f"No such object: {bucket}/{name}")
        return stored


def _checked(draft: Draft) -> tuple[str, str]:
    crc32c, md5 = crc32c_base64(draft.data), md5_base64(draft.data)
    for kind, claimed, actual in (("CRC32C", draft.crc32c, crc32c), ("MD5", draft.md5, md5)):
        if claimed and claimed != actual:
            message = f"Provided {kind} {claimed!r} does not match calculated {kind} {actual!r}."
            raise RefusedError(400, "invalid", message)
    return crc32c, "" if draft.composite else md5


def _merged(old: Mapping[str, str], changes: object) -> dict[str, str]:
    if not isinstance(changes, Mapping):
        return dict(old)
    return {key: value for key, value in {**old, **changes}.items() if value is not None}
