"""An object store: one bucket (and prefix) of one cloud."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from deployer.ports.source import Source

__all__ = ["ObjectInfo", "ObjectStore", "StoreSettings", "StoredObject", "StoredRange"]


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store knows of an object without sending its bytes.

    Attributes:
        key: Relative to the store's prefix, ``/`` between parts.
        size: In bytes.
        version: Opaque (an ETag, a generation), what ``if_version`` takes; every write changes it.
        checksums: The store's own over the whole object, in lower-case hex, by algorithm:
            ``sha256``, ``crc32``, ``crc32c``, ``crc64nvme``, ``md5``; empty where it keeps none.
        metadata: The user metadata given at the write; keys in lower case.
        modified: By the store's clock, in UTC.
        proof: What proved the bytes, in the info that `ObjectStore.put_file` and `ObjectStore.copy`
            return: a checksum's name, ``crc64 of each block``, ``read back``; else empty.
    """

    key: str
    size: int
    version: str
    checksums: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    modified: datetime | None = None
    proof: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object's bytes and the info of exactly the version they came from."""

    body: bytes
    info: ObjectInfo


@dataclass(frozen=True, slots=True)
class StoredRange:
    """A part of an object.

    Attributes:
        body: Exactly the bytes asked for.
        version: Of the object they came from.
        size: Of the whole object, in bytes.
    """

    body: bytes
    version: str
    size: int


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What a bucket asks of those who use it; none of it is secret.

    Attributes:
        compat: It is no Amazon: parts carry MD5 and no newer checksums, nothing trails a body, and
            what was written is read back.
        payer: Who pays, where the requester does: a project of Google Cloud; for S3 any word.
        encryption: What new objects are encrypted with, where it is not the bucket's own choice:
            a KMS key (S3, Cloud Storage), an encryption scope (Azure).
        customer_key: Where the key is that goes with each request (SSE-C, CSEK, CPK):
            ``env:NAME`` or ``file:PATH``.
    """

    compat: bool = False
    payer: str = ""
    encryption: str = ""
    customer_key: str = ""


class ObjectStore(Protocol):
    """Objects by key. Safe to use from many threads; every call is bounded in time.

    Every method may raise `AccessDeniedError`, `TransientError` (after the adapter's own retries),
    `QuotaError`, or `SetupError` when the bucket does not exist or nobody is logged in.
    """

    @property
    def url(self) -> str:
        """Where it is, as a user writes it: ``s3://bucket/prefix``; no trailing slash."""
        ...

    @property
    def service(self) -> str:
        """Which service holds it, by its address: two stores of one may copy from one another."""
        ...

    @property
    def customer_key(self) -> str:
        """Where the key is that it asks for, see `StoreSettings`; empty where it asks for none."""
        ...

    def head(self, key: str) -> ObjectInfo | None:
        """Return the object's info, or None only when the store says there is no such object."""
        ...

    def get(self, key: str, *, max_bytes: int = 16 << 20) -> StoredObject:
        """Read a small object whole.

        Raises:
            NotFoundError: There is no such object.
            ProviderError: It is larger than ``max_bytes``.
        """
        ...

    def stream(self, key: str, *, if_version: str | None = None) -> Iterator[bytes]:
        """Yield the object's bytes in order, in chunks of at most 1 MiB, one version throughout.

        Raises:
            NotFoundError: There is no such object.
            PreconditionError: The stored version differs from ``if_version``.
            TransientError: It broke off; what was yielded is a prefix of the object.
        """
        ...

    def put(
        self,
        key: str,
        body: bytes,
        *,
        if_version: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Write atomically: a reader sees the old object or the new, never a part.

        Args:
            if_version: Write only over this version; the empty string means only if the key is
                free. None writes regardless.

        Raises:
            AlreadyExistsError: ``if_version`` is empty and the key is taken by other bytes. When it
                is taken by these very bytes (a retry after a lost response) the write succeeded.
            PreconditionError: The stored version differs from ``if_version``.
        """
        ...

    def read_range(
        self, key: str, offset: int, length: int, *, if_version: str | None = None
    ) -> StoredRange:
        """Read ``length`` bytes (at least one) from ``offset``.

        Raises:
            NotFoundError: There is no such object.
            PreconditionError: The stored version differs from ``if_version``.
            IntegrityError: The object ends before the range does.
        """
        ...

    def put_file(
        self,
        key: str,
        source: Path | Source,
        *,
        if_absent: bool = False,
        metadata: Mapping[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> ObjectInfo:
        """Write a file of any size, streamed; visible only when complete and proven.

        Every part carries a checksum that the store checks, parts go side by side, and what the
        store says it holds is compared with what was sent. What a killed call left is gone on with:
        parts that are there are not sent again. ``progress`` is told the bytes as they are done,
        from several threads.

        Args:
            key: Where to.
            source: A path is read by this call alone; a `Source` may be shared with other stores.
            if_absent: Write only if the key is free. When it is taken by these very bytes (a
                response was lost, or somebody pushed the same) the write succeeded.
            metadata: Kept with the object.
            progress: Called with counts of bytes.

        Raises:
            SourceError: The file changed or vanished while it was read; nothing was published.
            AlreadyExistsError: ``if_absent``, and the key is taken by other bytes.
            IntegrityError: What the store holds is not what was sent.
        """
        ...

    def copy(
        self,
        key: str,
        source: "ObjectStore",
        info: ObjectInfo,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo | None:
        """Copy an object of another store here without its bytes leaving the cloud.

        Args:
            key: Where to.
            source: The other store; only its `url`, `service` and `customer_key` are asked for.
            info: The object there, by ``info.key``; exactly the version ``info.version`` is copied.
            metadata: Kept with the copy.

        Returns:
            The copy's info, its ``proof`` empty where this store can't tell that the bytes are the
            same; None when it can't copy from there, and the bytes must be sent.

        Raises:
            PreconditionError: The other object changed since.
        """
        ...

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield every object whose key starts with ``prefix``, in the byte order of keys.

        Infos of a listing may lack checksums and metadata; never size or version.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove an object; succeeds when there is none."""
        ...
