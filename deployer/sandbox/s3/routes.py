"""Which request goes where."""

import uuid
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import unquote

from deployer.ports.clock import Clock
from deployer.sandbox.loopback import Request, Response, cut_range
from deployer.sandbox.s3.bucket_routes import BucketRoutes
from deployer.sandbox.s3.checksums import compute
from deployer.sandbox.s3.conditions import Conditions
from deployer.sandbox.s3.copies import read_source
from deployer.sandbox.s3.documents import checksum_headers, object_headers, result_xml
from deployer.sandbox.s3.multipart import Uploads
from deployer.sandbox.s3.objects import Buckets, StoredObject, whole_draft
from deployer.sandbox.s3.payload import read_payload
from deployer.sandbox.s3.refusal import RefusedError
from deployer.sandbox.s3.signature import SignatureV4
from deployer.sandbox.s3.upload_routes import UploadRoutes
from deployer.sandbox.s3.wishes import check_key, kept_headers, read_metadata

__all__ = ["S3Api"]

_Handler = Callable[..., Response]
_SUBRESOURCES = ("uploads", "uploadId", "delete", "location")
_KNOWN = {
    *_SUBRESOURCES,
    *("partNumber", "list-type", "prefix", "delimiter", "marker", "start-after", "max-keys"),
    *("continuation-token", "encoding-type", "fetch-owner", "max-parts", "part-number-marker"),
    *("max-uploads", "key-marker", "upload-id-marker", "x-id"),
}


class S3Api:
    """The whole service of one key: call it with a request."""

    def __init__(
        self,
        signature: SignatureV4,
        clock: Clock,
        *,
        region: str,
        smallest_part: int,
        forgetful: bool,
    ) -> None:
        self._signature = signature
        self._buckets = Buckets(clock)
        uploads = Uploads(self._buckets, clock, smallest_part=smallest_part, forgetful=forgetful)
        whole = self._whole = BucketRoutes(self._buckets, uploads, region)
        parts = UploadRoutes(self._buckets, uploads)
        self._of_bucket: dict[tuple[str, str], _Handler] = {
            ("PUT", ""): whole.create,
            ("HEAD", ""): whole.head,
            ("DELETE", ""): whole.drop,
            ("GET", ""): whole.list_objects,
            ("GET", "location"): whole.locate,
            ("GET", "uploads"): whole.list_uploads,
            ("POST", "delete"): whole.delete_objects,
        }
        self._of_object: dict[tuple[str, str], _Handler] = {
            ("PUT", ""): self._put_object,
            ("GET", ""): self._get_object,
            ("HEAD", ""): self._get_object,
            ("DELETE", ""): self._delete_object,
            ("POST", "uploads"): parts.begin,
            ("PUT", "uploadId"): parts.put_part,
            ("POST", "uploadId"): parts.complete,
            ("GET", "uploadId"): parts.list_parts,
            ("DELETE", "uploadId"): parts.abort,
        }

    def __call__(self, request: Request) -> Response:
        """Answer one request; a refusal becomes its error document."""
        try:
            answer = self._route(request)
        except RefusedError as refused:
            answer = refused.as_response()
        common = {"x-amz-request-id": uuid.uuid4().hex[:16].upper()}
        if request.header("x-amz-request-payer"):
            common["x-amz-request-charged"] = "requester"
        return Response(answer.status, answer.body, {**common, **answer.headers})

    def _route(self, request: Request) -> Response:
        region = self._signature.check(request)
        bucket, _, key = (unquote(part) for part in request.path.removeprefix("/").partition("/"))
        part = next((name for name in _SUBRESOURCES if name in request.query), "")
        verb = (request.method, part)
        _check_query(request)
        if not bucket and verb == ("GET", ""):
            return self._whole.list_buckets()
        if verb != ("PUT", "") or key:
            self._check_region(bucket, region)
        table = self._of_object if key else self._of_bucket
        if not bucket or verb not in table:
            message = f"{request.method} {part or 'of this'} is not stood in for"
            raise RefusedError(501, "NotImplemented", message)
        return table[verb](request, bucket, key) if key else table[verb](request, bucket)

    def _check_region(self, bucket: str, region: str) -> None:
        right = self._buckets.region(bucket)
        if region != right:
            message = f"The region '{region}' is wrong; expecting '{right}'"
            raise RefusedError(400, "AuthorizationHeaderMalformed", message, Region=right)

    def _put_object(self, request: Request, bucket: str, key: str) -> Response:
        if request.header("x-amz-copy-source"):
            return self._copy_object(request, bucket, key)
        payload = read_payload(request)
        headers, metadata = kept_headers(request), read_metadata(request)
        draft = whole_draft(payload.data, payload.checksum, headers, metadata)
        stored = self._buckets.put(bucket, key, draft, Conditions.of(request))
        return Response(200, headers=_written(stored))

    def _copy_object(self, request: Request, bucket: str, key: str) -> Response:
        source = read_source(self._buckets, request)
        replaced = (request.header("x-amz-metadata-directive") or "COPY") == "REPLACE"
        draft = whole_draft(
            source.data,
            compute(_copied_algorithm(request, source), source.data),
            kept_headers(request) if replaced else source.draft.headers,
            read_metadata(request) if replaced else source.draft.metadata,
        )
        stored = self._buckets.put(bucket, key, draft, Conditions.of(request))
        return result_xml("CopyObjectResult", _described(stored))

    def _get_object(self, request: Request, bucket: str, key: str) -> Response:
        if "partNumber" in request.query:
            raise RefusedError(501, "NotImplemented", "partNumber of a read is not stood in for")
        stored = self._buckets.get(bucket, key, Conditions.of(request))
        check_key(request, stored.draft.headers)
        status, body, headers = cut_range(stored.data, request.header("Range"))
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            message = "The requested range is not satisfiable"
            raise RefusedError(416, "InvalidRange", message)
        whole = status == HTTPStatus.OK
        if whole and (request.header("x-amz-checksum-mode") or "").upper() == "ENABLED":
            headers |= checksum_headers(stored.draft.checksum)
        return Response(status, body, object_headers(stored) | headers)

    def _delete_object(self, request: Request, bucket: str, key: str) -> Response:
        self._buckets.delete(bucket, key, Conditions.of(request))
        return Response(204)


def _check_query(request: Request) -> None:
    for name in request.query:
        if name not in _KNOWN and not name.startswith("X-Amz-"):
            raise RefusedError(501, "NotImplemented", f"?{name} is not stood in for")


def _copied_algorithm(request: Request, source: StoredObject) -> str:
    return request.header("x-amz-checksum-algorithm") or source.draft.checksum.algorithm


def _written(stored: StoredObject) -> dict[str, str]:
    kept = {
        name: value
        for name, value in stored.draft.headers.items()
        if name.startswith("x-amz-server-side")
    }
    return {"ETag": f'"{stored.etag}"', **checksum_headers(stored.draft.checksum), **kept}


def _described(stored: StoredObject) -> dict[str, str]:
    checksum = stored.draft.checksum
    modified = stored.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {
        "ETag": f'"{stored.etag}"',
        "LastModified": modified,
        checksum.element: checksum.value,
        "ChecksumType": checksum.type,
    }
