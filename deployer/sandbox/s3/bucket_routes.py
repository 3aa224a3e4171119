"""Requests about buckets as a whole."""

import base64

from deployer.sandbox.loopback import Request, Response
from deployer.sandbox.s3.conditions import Conditions
from deployer.sandbox.s3.documents import (
    buckets_xml,
    deleted_xml,
    list_xml,
    parse_xml,
    result_xml,
    uploads_xml,
)
from deployer.sandbox.s3.multipart import Uploads
from deployer.sandbox.s3.objects import Buckets
from deployer.sandbox.s3.payload import read_payload
from deployer.sandbox.s3.refusal import RefusedError

__all__ = ["BucketRoutes"]

_PAGE = 1000


class BucketRoutes:
    """Answers what is asked of buckets."""

    def __init__(self, buckets: Buckets, uploads: Uploads, region: str) -> None:
        self._buckets = buckets
        self._uploads = uploads
        self._region = region

    def list_buckets(self) -> Response:
        """Answer ListBuckets."""
        return buckets_xml(self._buckets.names())

    def create(self, request: Request, bucket: str) -> Response:
        """Answer CreateBucket; in the server's region unless the body names another."""
        body = read_payload(request).data
        wanted = parse_xml(body).findtext("{*}LocationConstraint") if body else None
        self._buckets.create(bucket, wanted or self._region)
        return Response(200, headers={"Location": f"/{bucket}"})

    def head(self, _: Request, bucket: str) -> Response:
        """Answer HeadBucket."""
        return Response(200, headers={"x-amz-bucket-region": self._buckets.region(bucket)})

    def drop(self, _: Request, bucket: str) -> Response:
        """Answer DeleteBucket."""
        self._buckets.drop(bucket)
        return Response(204)

    def locate(self, _: Request, bucket: str) -> Response:
        """Answer GetBucketLocation."""
        region = self._buckets.region(bucket)
        answer = result_xml("LocationConstraint", {})
        text = region.encode() if region != "us-east-1" else b""
        body = answer.body.replace(b" />", b">" + text + b"</LocationConstraint>")
        return Response(200, body, answer.headers)

    def list_objects(self, request: Request, bucket: str) -> Response:
        """Answer ListObjectsV2, and ListObjects where no version is asked for."""
        query = request.query
        second = query.get("list-type") == "2"
        limit = _limit(query.get("max-keys", str(_PAGE)))
        after = _after(query.get("continuation-token"), query.get("start-after", ""))
        page, objects = self._buckets.page(
            bucket,
            prefix=query.get("prefix", ""),
            delimiter=query.get("delimiter", ""),
            after=after if second else query.get("marker", ""),
            limit=limit,
        )
        fields = {
            "Name": bucket,
            "Prefix": query.get("prefix", ""),
            "MaxKeys": str(limit),
            "KeyCount": str(len(page.names) + len(page.prefixes)),
            "IsTruncated": str(page.last is not None).lower(),
        }
        if page.last is not None:
            token = base64.urlsafe_b64encode(page.last.encode()).decode()
            fields |= {"NextContinuationToken": token} if second else {"NextMarker": page.last}
        encoded = query.get("encoding-type") == "url"
        if encoded:
            fields["EncodingType"] = "url"
        return list_xml(fields, page, objects, encoded=encoded)

    def list_uploads(self, request: Request, bucket: str) -> Response:
        """Answer ListMultipartUploads, all in one page."""
        return uploads_xml(bucket, self._uploads.list(bucket, request.query.get("prefix", "")))

    def delete_objects(self, request: Request, bucket: str) -> Response:
        """Answer DeleteObjects; its body must come with a checksum."""
        payload = read_payload(request)
        if payload.checksum is None and not request.header("Content-MD5"):
            message = "Missing required header for this request: Content-MD5"
            raise RefusedError(400, "InvalidRequest", message)
        done, failed = [], {}
        for entry in parse_xml(payload.data).findall("{*}Object"):
            key = entry.findtext("{*}Key") or ""
            try:
                etag = (entry.findtext("{*}ETag") or "").strip('"')
                self._buckets.delete(bucket, key, Conditions(if_match=etag))
                done.append(key)
            except RefusedError as refused:
                failed[key] = refused
        return deleted_xml(done, failed)


def _limit(text: str) -> int:
    if not text.isdigit():
        raise RefusedError(400, "InvalidArgument", f"max-keys is not a number: {text!r}")
    return min(int(text), _PAGE)


def _after(token: str | None, start: str) -> str:
    if token is None:
        return start
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        message = "The continuation token provided is incorrect"
        raise RefusedError(400, "InvalidArgument", message) from error
