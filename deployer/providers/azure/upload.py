"""Blob uploads: blocks named after their own bytes, so that what is there is known by its name."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from deployer.checksums import Buffer
from deployer.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    IntegrityError,
    NotFoundError,
    PreconditionError,
    ProviderError,
)
from deployer.ports import Chunk, ObjectInfo, ObjectStore
from deployer.providers.azure.container import BlobContainer
from deployer.providers.proof import Sent, confirm_stored, settle_upload
from deployer.transfer import SentPart

__all__ = ["BlobUpload"]

T = TypeVar("T")

_PROOF = "crc64 of each block"
_CRC64 = "x-ms-content-crc64"
_DIGITS = 7


class BlobUpload:
    """See `PartUpload`. A block's name is its number and the CRC that the service checked it with.

    The service keeps no checksum of a blob made of blocks, but it keeps the list of its blocks:
    their names and sizes prove the whole. Blocks that are never committed vanish after a week (Put
    Block, REST reference), so there is nothing to abort.
    """

    algorithm = "crc64nvme"

    def __init__(
        self,
        store: ObjectStore,
        container: BlobContainer,
        key: str,
        *,
        if_absent: bool,
        metadata: Mapping[str, str],
    ) -> None:
        self._store = store
        self._container = container
        self._key = key
        self._if_absent = if_absent
        self._metadata = dict(metadata)

    def put_whole(self, chunk: Chunk) -> ObjectInfo:
        """See `PartUpload.put_whole`. The answer has the MD5 that the service computed."""
        sent = Sent(len(chunk.body), "md5", chunk.checksum("md5"))
        condition = "" if self._if_absent else None
        try:
            info = self._container.put(
                self._key, bytes(chunk.body), self._metadata, condition, md5=sent.hexdigest
            )
        except (AlreadyExistsError, PreconditionError) as error:
            return settle_upload(self._store, self._key, sent, error)
        return confirm_stored(self._store, info, sent)

    def find_parts(self) -> Mapping[int, SentPart] | None:
        """See `PartUpload.find_parts`. Who may not list blocks finds none."""
        try:
            found = self._list("uncommitted")
        except (AccessDeniedError, NotFoundError):
            return None
        return {part.number: part for part in found}

    def begin(self) -> None:
        """See `PartUpload.begin`. All uploads of a blob share its blocks; names keep them apart."""

    def send_part(self, chunk: Chunk) -> SentPart:
        """See `PartUpload.send_part`."""
        name = _name(chunk.number, chunk.checksum(self.algorithm))
        headers = {
            _CRC64: _to_wire(chunk.checksum(self.algorithm)),
            **self._container.scope_header,
            **self._container.key_headers(),
        }
        if not self._send_fast(name, chunk.body, headers):
            self._send(name, chunk.body, headers)
        return _read_name(name, len(chunk.body))

    def _send_fast(self, name: str, body: Buffer, headers: dict[str, str]) -> bool:
        query = {"comp": "block", "blockid": base64.b64encode(name.encode()).decode()}
        lane, full = self._container.lane(), self._container.location.full_key(self._key)
        return lane.put(full, body, headers, query=query) is not None

    def _send(self, name: str, body: Buffer, headers: dict[str, str]) -> None:
        self._call(
            "write",
            lambda: self._blob().stage_block(
                name, bytes(body), length=len(body), headers={**headers}
            ),
        )

    def commit(self, parts: Sequence[SentPart], size: int, checksum: str) -> ObjectInfo:  # noqa: ARG002 - there is none of the whole
        """See `PartUpload.commit`.

        Somebody else's commit of the same blob drops all blocks it does not name: then it is looked
        at whether it was of the same blocks.
        """
        try:
            self._commit(parts)
        except (AlreadyExistsError, PreconditionError, NotFoundError) as error:
            ours = self._confirm(parts, size)
            if ours is not None:
                return ours
            raise self._refused(error) from error
        info = self._confirm(parts, size)
        if info is None:
            raise IntegrityError(f"{self._store.url}/{self._key} is not made of what was sent")
        return info

    def abort(self) -> None:
        """See `PartUpload.abort`."""

    def _commit(self, parts: Sequence[SentPart]) -> None:
        from azure.core import MatchConditions
        from azure.storage.blob import BlobBlock, ContentSettings

        condition: Any = {"match_condition": MatchConditions.IfMissing} if self._if_absent else {}
        settings = ContentSettings(content_type="application/octet-stream")
        self._call(
            "write",
            lambda: self._blob().commit_block_list(
                [BlobBlock(part.tag) for part in parts],
                content_settings=settings,
                metadata=self._metadata,
                **condition,
                headers=self._container.key_headers(),
                **self._container.scope,
            ),
        )

    def _confirm(self, parts: Sequence[SentPart], size: int) -> ObjectInfo | None:
        """Return the blob's info if it is made of exactly these blocks; None if it is not."""
        info = self._store.head(self._key)
        if info is None or info.size != size or self._list("committed") != list(parts):
            return None
        return replace(info, proof=_PROOF)

    def _refused(self, error: ProviderError) -> ProviderError:
        if isinstance(error, NotFoundError):
            return error
        return AlreadyExistsError(
            f"{error.resource} exists already, with other bytes",
            operation=error.operation,
            resource=error.resource,
        )

    def _list(self, kind: str) -> list[SentPart]:
        committed, uncommitted = self._call(
            "list blocks of", lambda: self._blob().get_block_list(kind)
        )
        blocks = committed if kind == "committed" else uncommitted
        return [_read_name(block.id, block.size) for block in blocks]

    def _blob(self) -> Any:
        return self._container.blob(self._key)

    def _call(self, operation: str, call: Callable[[], T]) -> T:
        return self._container.call(operation, self._key, call)


def _to_wire(crc64: str) -> str:
    """Return a CRC as Put Block takes it: base64 of its bytes, the lowest first."""
    return base64.b64encode(bytes.fromhex(crc64)[::-1]).decode()


def _name(number: int, crc64: str) -> str:
    """Return a block's name; all of a blob must be of one length (Put Block, REST reference)."""
    return f"{number:0{_DIGITS}}-{crc64}"


def _read_name(name: str, size: int) -> SentPart:
    """Return the part that a block is; one with a name of somebody else's is none of ours."""
    number, _, crc64 = name.partition("-")
    if not number.isdigit() or not crc64:
        return SentPart(0, size, name)
    return SentPart(int(number), size, name, {BlobUpload.algorithm: crc64})
