"""The XML API's multipart upload: parts in any order, put together at the end."""

import hashlib
import itertools
import threading
from dataclasses import dataclass, field
from datetime import datetime
from xml.etree import ElementTree as ET

from deployer.sandbox.checksums import crc32c_base64, md5_base64
from deployer.sandbox.gcs.conditions import Conditions
from deployer.sandbox.gcs.keys import check_key, read_key
from deployer.sandbox.gcs.objects import OCTETS, Buckets, Draft
from deployer.sandbox.gcs.refusal import RefusedError
from deployer.sandbox.gcs.uploads import claimed_checksums
from deployer.sandbox.loopback import Request, Response

__all__ = ["SMALLEST_PART", "MultipartUploads"]

SMALLEST_PART = 5 * 1024 * 1024
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_META = "x-goog-meta-"


@dataclass(slots=True)
class _Upload:
    bucket: str
    name: str
    content_type: str
    metadata: dict[str, str]
    begun: datetime
    key: str
    parts: dict[int, bytes] = field(default_factory=dict)


class MultipartUploads:
    """Multipart uploads into ``buckets``; unfinished ones are kept until aborted."""

    def __init__(self, buckets: Buckets, smallest_part: int) -> None:
        self._buckets = buckets
        self._smallest_part = smallest_part
        self._uploads: dict[str, _Upload] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def answer(self, request: Request, bucket: str, name: str) -> Response:
        """Answer a request to ``/BUCKET/NAME``."""
        self._buckets.check(bucket)
        match request.method:
            case "POST" if "uploads" in request.query:
                return self._begin(request, bucket, name)
            case "PUT" if "partNumber" in request.query:
                return self._put_part(request)
            case "POST":
                return self._complete(request, bucket, name)
            case "GET" if "uploads" in request.query:
                return self._list_uploads(request, bucket)
            case "GET":
                return self._list(request)
            case "DELETE":
                self._upload(request)
                del self._uploads[request.query["uploadId"]]
                return Response(204)
            case _:
                raise RefusedError(
                    405, "MethodNotAllowed", f"{request.method} is not there in the XML API"
                )

    def _begin(self, request: Request, bucket: str, name: str) -> Response:
        number = f"upload-{next(self._numbers)}"
        metadata = {
            header[len(_META) :].lower(): value
            for header, value in request.headers.items()
            if header.lower().startswith(_META)
        }
        content_type = request.header("Content-Type") or OCTETS
        self._uploads[number] = _Upload(
            bucket, name, content_type, metadata, self._buckets.now(), read_key(request)
        )
        return _document(
            "InitiateMultipartUploadResult", {"Bucket": bucket, "Key": name, "UploadId": number}
        )

    def _put_part(self, request: Request) -> Response:
        upload = self._upload(request)
        check_key(request, upload.key)
        crc32c, md5 = crc32c_base64(request.body), md5_base64(request.body)
        actual = {"crc32c": crc32c, "md5": md5}
        for kind, claimed in claimed_checksums(request).items():
            if actual.get(kind) != claimed:
                raise RefusedError(
                    400, "BadDigest", f"The {kind} of the part is {actual.get(kind)}"
                )
        with self._lock:
            upload.parts[int(request.query["partNumber"])] = request.body
        headers = {"ETag": _etag(request.body), "X-Goog-Hash": f"crc32c={crc32c},md5={md5}"}
        return Response(200, headers=headers)

    def _complete(self, request: Request, bucket: str, name: str) -> Response:
        upload = self._upload(request)
        data = b"".join(_chosen_parts(upload, request.body, self._smallest_part))
        draft = Draft(
            data, upload.content_type, metadata=upload.metadata, composite=True, key=upload.key
        )
        wanted = request.header("x-goog-if-generation-match")
        conditions = Conditions(if_generation=int(wanted) if wanted else None)
        stored = self._buckets.put(bucket, name, draft, conditions)
        self._uploads.pop(request.query["uploadId"], None)
        etag = f'"{stored.generation}"'
        fields = {"Bucket": bucket, "Key": name, "ETag": etag}
        return _document("CompleteMultipartUploadResult", fields)

    def _list(self, request: Request) -> Response:
        root = ET.Element("ListPartsResult", xmlns=_NAMESPACE)
        for number, part in sorted(self._upload(request).parts.items()):
            fields = {"PartNumber": str(number), "ETag": _etag(part), "Size": str(len(part))}
            _fill(ET.SubElement(root, "Part"), fields)
        return _xml(root)

    def _list_uploads(self, request: Request, bucket: str) -> Response:
        root = ET.Element("ListMultipartUploadsResult", xmlns=_NAMESPACE)
        _fill(root, {"Bucket": bucket, "IsTruncated": "false"})
        for number, upload in sorted(self._uploads.items()):
            if upload.bucket == bucket and upload.name.startswith(request.query.get("prefix", "")):
                element = ET.SubElement(root, "Upload")
                begun = upload.begun.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                fields = {"Key": upload.name, "UploadId": number, "Initiated": begun}
                _fill(element, fields)
        return _xml(root)

    def _upload(self, request: Request) -> _Upload:
        upload = self._uploads.get(request.query.get("uploadId", ""))
        if upload is None:
            raise RefusedError(404, "NoSuchUpload", "The requested upload was not found.")
        return upload


def _chosen_parts(upload: _Upload, body: bytes, smallest: int) -> list[bytes]:
    chosen = []
    for part in ET.fromstring(body).findall("{*}Part"):  # noqa: S314 - loopback only
        number, etag = part.findtext("{*}PartNumber", ""), part.findtext("{*}ETag", "")
        data = upload.parts.get(int(number))
        if data is None or etag.strip('"') != _etag(data).strip('"'):
            raise RefusedError(
                400, "InvalidPart", f"Part {number} was not found or its ETag differs"
            )
        chosen.append(data)
    if any(len(data) < smallest for data in chosen[:-1]):
        raise RefusedError(400, "EntityTooSmall", "A part but the last is too small")
    return chosen


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def _document(name: str, fields: dict[str, str]) -> Response:
    root = ET.Element(name, xmlns=_NAMESPACE)
    _fill(root, fields)
    return _xml(root)


def _fill(element: ET.Element, fields: dict[str, str]) -> None:
    for name, value in fields.items():
        ET.SubElement(element, name).text = value


def _xml(root: ET.Element) -> Response:
    body = ET.tostring(root, xml_declaration=True, encoding="utf-8")
    return Response(200, body, {"Content-Type": "application/xml"})
