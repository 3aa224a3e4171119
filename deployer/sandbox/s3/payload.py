"""What a client sent as a body: unwrapped, and compared with all that it claims of it."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from deployer.sandbox.loopback import Request
from deployer.sandbox.s3.checksums import Checksum, find_claim, verify
from deployer.sandbox.s3.refusal import RefusedError

__all__ = ["Payload", "read_payload"]

_UNSIGNED = "UNSIGNED-PAYLOAD"
_TRAILING = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_MD5_BYTES = 16


@dataclass(frozen=True, slots=True)
class Payload:
    """The bytes as they were meant, and the checksum that was proven of them."""

    data: bytes
    checksum: Checksum | None


def read_payload(request: Request, *, of_body: bool = True) -> Payload:
    """Return the payload of a request whose signature is good.

    Args:
        request: With its body as it came.
        of_body: Whether a checksum in the headers is of this body; a completion's is of the object.
    """
    said = request.header("x-amz-content-sha256") or _UNSIGNED
    if said == _TRAILING:
        data, trailers = _unwrap(request)
    elif said.startswith("STREAMING-"):
        raise RefusedError(501, "NotImplemented", f"{said} is not stood in for")
    else:
        data, trailers = request.body, {}
        _check_sha256(said, data)
    _check_md5(request.header("Content-MD5"), data)
    if not of_body:
        return Payload(data, None)
    headers = {name.lower(): value for name, value in request.headers.items()}
    claim = find_claim(headers | trailers)
    return Payload(data, verify(claim, data) if claim else None)


def _unwrap(request: Request) -> tuple[bytes, dict[str, str]]:
    data, rest = _read_chunks(request.body)
    length = request.header("x-amz-decoded-content-length")
    if length is None:
        raise RefusedError(411, "MissingContentLength", "x-amz-decoded-content-length is missing.")
    if len(data) != int(length):
        message = "The request body terminated unexpectedly."
        raise RefusedError(400, "IncompleteBody", message)
    trailers = _read_trailers(rest)
    announced = request.header("x-amz-trailer")
    if announced is not None and announced.lower() not in trailers:
        message = "The request contained trailing data that was not well-formed."
        raise RefusedError(400, "MalformedTrailerError", message)
    return data, trailers


def _read_chunks(body: bytes) -> tuple[bytes, bytes]:
    """Return the data of an aws-chunked body, and what follows the last chunk's line."""
    pieces: list[bytes] = []
    at = 0
    while True:
        end = body.find(b"\r\n", at)
        try:
            size = int(body[at:end].split(b";")[0], 16) if end >= 0 else -1
        except ValueError:
            size = -1
        start = end + 2
        if size < 0 or (size and body[start + size : start + size + 2] != b"\r\n"):
            message = "The request body terminated unexpectedly."
            raise RefusedError(400, "IncompleteBody", message)
        if size == 0:
            return b"".join(pieces), body[start:]
        pieces.append(body[start : start + size])
        at = start + size + 2


def _read_trailers(text: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.decode("latin-1").split("\r\n") if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _check_sha256(said: str, data: bytes) -> None:
    if said != _UNSIGNED and said != hashlib.sha256(data).hexdigest():
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise RefusedError(400, "XAmzContentSHA256Mismatch", message)


def _check_md5(said: str | None, data: bytes) -> None:
    if said is None:
        return
    try:
        wanted = base64.b64decode(said, validate=True)
    except binascii.Error:
        wanted = b""
    if len(wanted) != _MD5_BYTES:
        raise RefusedError(400, "InvalidDigest", "The Content-MD5 you specified is not valid.")
    if wanted != hashlib.md5(data, usedforsecurity=False).digest():
        message = "The Content-MD5 you specified did not match what we received."
        raise RefusedError(400, "BadDigest", message)
