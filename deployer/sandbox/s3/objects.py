"""Buckets and the objects in them: immutable values replaced under one lock."""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from deployer.ports.clock import Clock
from deployer.sandbox.listing import Page, list_page
from deployer.sandbox.s3.checksums import ALGORITHMS, Checksum, compute
from deployer.sandbox.s3.conditions import Conditions
from deployer.sandbox.s3.refusal import RefusedError

__all__ = ["Buckets", "Draft", "StoredObject", "whole_draft"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be stored, its checksums proven. ``headers`` come back with every read."""

    data: bytes
    etag: str
    checksum: Checksum
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as it is."""

    key: str
    draft: Draft
    modified: datetime

    @property
    def data(self) -> bytes:
        """The bytes."""
        return self.draft.data

    @property
    def etag(self) -> str:
        """The entity tag, without quotes."""
        return self.draft.etag


@dataclass(slots=True)
class _Bucket:
    region: str
    created: datetime
    objects: dict[str, StoredObject] = field(default_factory=dict)


def whole_draft(
    data: bytes,
    checksum: Checksum | None,
    headers: Mapping[str, str],
    metadata: Mapping[str, str],
) -> Draft:
    """Return the draft of an object that came in one piece.

    Without a checksum of the client's it gets one of the service's own.
    """
    etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
    proven = checksum or compute(next(iter(ALGORITHMS)), data)
    return Draft(data, etag, proven, headers, metadata)


class Buckets:
    """All that is stored. Safe to use from many threads; every write is atomic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.RLock()

    def create(self, name: str, region: str) -> None:
        """Make a bucket; refuses one that is there."""
        with self._lock:
            if name in self._buckets:
                message = "Your previous request to create the named bucket succeeded."
                raise RefusedError(409, "BucketAlreadyOwnedByYou", message)
            self._buckets[name] = _Bucket(region, self._clock.now())

    def drop(self, name: str) -> None:
        """Delete a bucket; refuses one that is not empty."""
        with self._lock:
            if self._bucket(name).objects:
                message = "The bucket you tried to delete is not empty"
                raise RefusedError(409, "BucketNotEmpty", message)
            del self._buckets[name]

    def names(self) -> dict[str, datetime]:
        """Return when each bucket was made, by name."""
        with self._lock:
            return {name: bucket.created for name, bucket in sorted(self._buckets.items())}

    def region(self, name: str) -> str:
        """Return the bucket's region; refuses a bucket that does not exist."""
        with self._lock:
            return self._bucket(name).region

    def put(self, bucket: str, key: str, draft: Draft, conditions: Conditions) -> StoredObject:
        """Store the draft if the conditions hold."""
        with self._lock:
            objects = self._bucket(bucket).objects
            conditions.check_write(_etag_of(objects.get(key)))
            objects[key] = StoredObject(key, draft, self._now())
            return objects[key]

    def get(self, bucket: str, key: str, conditions: Conditions) -> StoredObject:
        """Return the object."""
        with self._lock:
            stored = self._bucket(bucket).objects.get(key)
        if stored is None:
            raise RefusedError(404, "NoSuchKey", "The specified key does not exist.", Key=key)
        conditions.check_read(stored.etag)
        return stored

    def delete(self, bucket: str, key: str, conditions: Conditions) -> None:
        """Delete the object; one that is not there is deleted already."""
        with self._lock:
            objects = self._bucket(bucket).objects
            if conditions.if_match:
                conditions.check_write(_etag_of(objects.get(key)))
            objects.pop(key, None)

    def page(
        self, bucket: str, *, prefix: str, delimiter: str, after: str, limit: int
    ) -> tuple[Page, list[StoredObject]]:
        """Return one page of keys and the objects on it."""
        with self._lock:
            objects = self._bucket(bucket).objects
            page = list_page(objects, prefix=prefix, delimiter=delimiter, after=after, limit=limit)
            return page, [objects[key] for key in page.names]

    def _now(self) -> datetime:
        """Return the time as S3 keeps it: whole seconds."""
        return self._clock.now().replace(microsecond=0)

    def _bucket(self, name: str) -> _Bucket:
        if name not in self._buckets:
            message = "The specified bucket does not exist"
            raise RefusedError(404, "NoSuchBucket", message, BucketName=name)
        return self._buckets[name]


def _etag_of(stored: StoredObject | None) -> str | None:
    return stored.etag if stored else None
