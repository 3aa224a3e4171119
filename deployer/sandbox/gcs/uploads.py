"""The three ways of the JSON API to upload: media, multipart, resumable."""

import itertools
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deployer.sandbox.gcs.conditions import Conditions
from deployer.sandbox.gcs.documents import object_resource
from deployer.sandbox.gcs.keys import read_key
from deployer.sandbox.gcs.objects import OCTETS, Buckets, Draft, StoredObject
from deployer.sandbox.gcs.refusal import RefusedError, json_response, read_json
from deployer.sandbox.loopback import Request, Response

__all__ = ["Uploads", "claimed_checksums"]

_QUANTUM = 256 * 1024  # chunks but the last are stored in multiples of this
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_BOUNDARY = re.compile(r"""boundary=["']*([^"';]+)""")


@dataclass(slots=True)
class _Session:
    bucket: str
    name: str
    resource: Mapping[str, Any]
    conditions: Conditions
    received: bytearray = field(default_factory=bytearray)
    stored: StoredObject | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Uploads:
    """Uploads into ``buckets``; resumable sessions are remembered until they are done."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._sessions: dict[str, _Session] = {}
        self._numbers = itertools.count(1)

    def begin(self, request: Request, bucket: str) -> Response:
        """Answer ``POST /upload/storage/v1/b/BUCKET/o``."""
        match request.query.get("uploadType"):
            case "media":
                draft = Draft(request.body, request.header("Content-Type") or OCTETS)
                return self._store(request, bucket, request.query.get("name"), draft)
            case "multipart":
                resource, draft = _split_multipart(request)
                name = resource.get("name") or request.query.get("name")
                return self._store(request, bucket, name, draft)
            case "resumable":
                return self._open(request, bucket)
            case _:
                raise RefusedError(
                    400, "invalid", "uploadType is not media, multipart or resumable"
                )

    def proceed(self, request: Request) -> Response:
        """Answer ``PUT`` to a session: bytes, or the question how many have arrived (308)."""
        session = self._session(request)
        with session.lock:
            if session.stored is None:
                self._receive(session, request)
            return _session_answer(session)

    def cancel(self, request: Request) -> Response:
        """Answer ``DELETE`` of a session: 499, as the service does."""
        self._session(request)
        del self._sessions[request.query["upload_id"]]
        return Response(499)

    def _store(self, request: Request, bucket: str, name: str | None, draft: Draft) -> Response:
        if not name:
            raise RefusedError(400, "required", "Required: name")
        conditions = Conditions.of_query(request.query)
        keyed = replace(draft, key=read_key(request))
        stored = self._buckets.put(bucket, name, keyed, conditions)
        return json_response(object_resource(stored, keyed=True))

    def _open(self, request: Request, bucket: str) -> Response:
        resource = read_json(request.body)
        resource.setdefault("contentType", request.header("X-Upload-Content-Type"))
        name = resource.get("name") or request.query.get("name")
        if not name:
            raise RefusedError(400, "required", "Required: name")
        conditions = Conditions.of_query(request.query)
        self._buckets.check_put(bucket, name, conditions)
        number = f"session-{next(self._numbers)}"
        self._sessions[number] = _Session(bucket, name, resource, conditions)
        query = f"uploadType=resumable&upload_id={number}"
        location = f"{request.scheme}://{request.header('Host')}{request.path}?{query}"
        return Response(200, headers={"Location": location, "X-GUploader-UploadID": number})

    def _session(self, request: Request) -> _Session:
        session = self._sessions.get(request.query.get("upload_id", ""))
        if session is None:
            raise RefusedError(404, "notFound", "No such upload session")
        return session

    def _receive(self, session: _Session, request: Request) -> None:
        start, total = _content_range(request)
        if start is not None:
            _append(session.received, start, request.body, total)
        if total == len(session.received):
            draft = _draft(session.resource, bytes(session.received), request)
            draft = replace(draft, key=read_key(request))
            session.stored = self._buckets.put(
                session.bucket, session.name, draft, session.conditions
            )
            session.received.clear()


def claimed_checksums(request: Request) -> dict[str, str]:
    """Read ``X-Goog-Hash: crc32c=...,md5=...``."""
    header = request.header("X-Goog-Hash") or ""
    pairs = (part.strip().partition("=") for part in header.split(",") if "=" in part)
    return {kind: value for kind, _, value in pairs}


def _content_range(request: Request) -> tuple[int | None, int | None]:
    header = request.header("Content-Range")
    if header is None:
        return 0, len(request.body)
    match = _CONTENT_RANGE.fullmatch(header)
    if match is None:
        raise RefusedError(400, "invalid", f"Content-Range cannot be read: {header!r}")
    start = int(match[1]) if match[1] else None
    if start is not None and int(match[2]) - start + 1 != len(request.body):
        raise RefusedError(400, "invalid", f"Content-Range {header!r} is not the body's length")
    return start, None if match[3] == "*" else int(match[3])


def _append(received: bytearray, start: int, body: bytes, total: int | None) -> None:
    if start > len(received):
        raise RefusedError(400, "invalid", f"bytes {len(received)} to {start - 1} are missing")
    new = body[len(received) - start :]
    if total != start + len(body):
        new = new[: max(0, len(new) - (len(received) + len(new)) % _QUANTUM)]
    received += new


def _session_answer(session: _Session) -> Response:
    if session.stored is not None:
        return json_response(object_resource(session.stored, keyed=True))
    have = len(session.received)
    return Response(308, headers={"Range": f"bytes=0-{have - 1}"} if have else {})


def _draft(resource: Mapping[str, Any], data: bytes, request: Request) -> Draft:
    claimed = claimed_checksums(request)
    return Draft(
        data,
        content_type=resource.get("contentType") or OCTETS,
        content_encoding=resource.get("contentEncoding") or "",
        metadata=resource.get("metadata") or {},
        crc32c=claimed.get("crc32c") or resource.get("crc32c") or "",
        md5=claimed.get("md5") or resource.get("md5Hash") or "",
    )


def _split_multipart(request: Request) -> tuple[dict[str, Any], Draft]:
    boundary = _BOUNDARY.search(request.header("Content-Type") or "")
    mark = b"--" + boundary[1].encode() if boundary else b""
    pieces = request.body.split(mark, 2) if mark else []
    if len(pieces) != 3:  # noqa: PLR2004 - before, resource, content and end
        raise RefusedError(400, "invalid", "the body is not multipart/related of two parts")
    resource = read_json(pieces[1].split(b"\r\n\r\n", 1)[1])
    head, content = pieces[2].split(b"\r\n\r\n", 1)
    content = content[: content.rindex(b"\r\n" + mark + b"--")]
    draft = _draft(resource, content, request)
    if "contentType" not in resource:
        draft = replace(draft, content_type=_content_type(head))
    return resource, draft


def _content_type(head: bytes) -> str:
    match = re.search(rb"(?i)content-type: *([^\r\n]+)", head)
    return match[1].decode() if match else OCTETS
