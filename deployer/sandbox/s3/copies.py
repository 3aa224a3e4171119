"""The source of a copy, and the part of it that is wanted."""

import re
from urllib.parse import unquote

from deployer.sandbox.loopback import Request
from deployer.sandbox.s3.conditions import Conditions
from deployer.sandbox.s3.objects import Buckets, StoredObject
from deployer.sandbox.s3.refusal import RefusedError
from deployer.sandbox.s3.wishes import check_key

__all__ = ["read_range", "read_source"]

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
_PREFIX = "x-amz-copy-source-"


def read_source(buckets: Buckets, request: Request) -> StoredObject:
    """Return the object that ``x-amz-copy-source`` names, if it meets the source's conditions."""
    source = unquote(request.header("x-amz-copy-source") or "").removeprefix("/")
    if "?versionId=" in source:
        raise RefusedError(501, "NotImplemented", "versions of a source are not stood in for")
    bucket, _, key = source.partition("/")
    conditions = Conditions.of(request, _PREFIX)
    stored = buckets.get(bucket, key, Conditions())
    if conditions.if_none_match:
        raise RefusedError(501, "NotImplemented", "if-none-match of a source is not stood in for")
    conditions.check_read(stored.etag)
    check_key(request, stored.draft.headers, source=True)
    return stored


def read_range(request: Request, source: StoredObject) -> bytes:
    """Return the bytes of the source that ``x-amz-copy-source-range`` asks for; all by default."""
    wanted = request.header(_PREFIX + "range")
    if wanted is None:
        return source.data
    match = _RANGE.fullmatch(wanted)
    if match is None or not int(match[1]) <= int(match[2]) < len(source.data):
        message = f"Range specified is not valid for source object of size: {len(source.data)}"
        raise RefusedError(400, "InvalidArgument", message)
    return source.data[int(match[1]) : int(match[2]) + 1]
