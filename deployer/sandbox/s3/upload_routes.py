"""Requests about multipart uploads."""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from deployer.sandbox.loopback import Request, Response
from deployer.sandbox.s3.checksums import find_claim
from deployer.sandbox.s3.conditions import Conditions
from deployer.sandbox.s3.copies import read_range, read_source
from deployer.sandbox.s3.documents import checksum_headers, parse_xml, parts_xml, result_xml
from deployer.sandbox.s3.multipart import Uploads, Wanted
from deployer.sandbox.s3.objects import Buckets
from deployer.sandbox.s3.payload import read_payload
from deployer.sandbox.s3.refusal import RefusedError
from deployer.sandbox.s3.wishes import check_key, kept_headers, read_metadata

__all__ = ["UploadRoutes"]

_PAGE = 1000


class UploadRoutes:
    """Answers what is asked of one object's uploads."""

    def __init__(self, buckets: Buckets, uploads: Uploads) -> None:
        self._buckets = buckets
        self._uploads = uploads

    def begin(self, request: Request, bucket: str, key: str) -> Response:
        """Answer CreateMultipartUpload."""
        upload = self._uploads.begin(
            bucket,
            key,
            algorithm=request.header("x-amz-checksum-algorithm"),
            checksum_type=request.header("x-amz-checksum-type"),
            headers=kept_headers(request),
            metadata=read_metadata(request),
        )
        fields = {"Bucket": bucket, "Key": key, "UploadId": upload.id}
        answer = result_xml("InitiateMultipartUploadResult", fields)
        chosen = {
            "x-amz-checksum-algorithm": upload.algorithm,
            "x-amz-checksum-type": upload.type,
        }
        return Response(200, answer.body, {**answer.headers, **(chosen if upload.asked else {})})

    def put_part(self, request: Request, bucket: str, key: str) -> Response:
        """Answer UploadPart and UploadPartCopy."""
        upload = self._uploads.find(bucket, key, request.query["uploadId"])
        number = _number(request, "partNumber", 0)
        if request.header("x-amz-copy-source"):
            source = read_source(self._buckets, request)
            part = self._uploads.copy_part(upload, number, read_range(request, source))
            fields = {
                "ETag": f'"{part.etag}"',
                "LastModified": part.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                part.checksum.element: part.checksum.value,
            }
            return result_xml("CopyPartResult", fields)
        check_key(request, upload.headers)
        part = self._uploads.put_part(upload, number, read_payload(request))
        return Response(
            200, headers={"ETag": f'"{part.etag}"', part.checksum.header: part.checksum.value}
        )

    def complete(self, request: Request, bucket: str, key: str) -> Response:
        """Answer CompleteMultipartUpload."""
        wanted = _read_wanted(request)
        number = request.query["uploadId"]
        check_key(request, self._uploads.find(bucket, key, number).headers)
        stored = self._uploads.complete(bucket, key, number, wanted, Conditions.of(request))
        checksum = stored.draft.checksum
        fields = {
            "Location": f"/{bucket}/{key}",
            "Bucket": bucket,
            "Key": key,
            "ETag": f'"{stored.etag}"',
            checksum.element: checksum.value,
            "ChecksumType": checksum.type,
        }
        answer = result_xml("CompleteMultipartUploadResult", fields)
        return Response(200, answer.body, {**answer.headers, **checksum_headers(checksum)})

    def list_parts(self, request: Request, bucket: str, key: str) -> Response:
        """Answer ListParts."""
        upload = self._uploads.find(bucket, key, request.query["uploadId"])
        check_key(request, upload.headers)
        after = _number(request, "part-number-marker", 0)
        limit = min(_number(request, "max-parts", _PAGE), _PAGE)
        parts = [part for number, part in sorted(upload.parts.items()) if number > after]
        return parts_xml(upload, parts[:limit], limit=limit, more=len(parts) > limit)

    def abort(self, request: Request, bucket: str, key: str) -> Response:
        """Answer AbortMultipartUpload."""
        self._uploads.abort(self._uploads.find(bucket, key, request.query["uploadId"]))
        return Response(204)


def _read_wanted(request: Request) -> Wanted:
    body = parse_xml(read_payload(request, of_body=False).data)
    size = request.header("x-amz-mp-object-size")
    return Wanted(
        parts=tuple(_read_part(part) for part in body.findall("{*}Part")),
        checksum=find_claim({name.lower(): value for name, value in request.headers.items()}),
        type=request.header("x-amz-checksum-type"),
        size=int(size) if size is not None else None,
    )


def _read_part(part: ET.Element) -> tuple[int, str, Mapping[str, str]]:
    fields = {child.tag.rpartition("}")[2]: (child.text or "") for child in part}
    try:
        return int(fields["PartNumber"]), fields["ETag"].strip('"'), fields
    except (KeyError, ValueError) as error:
        message = "The XML you provided did not validate against our published schema"
        raise RefusedError(400, "MalformedXML", message) from error


def _number(request: Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdigit():
        raise RefusedError(400, "InvalidArgument", f"{name} is not a number: {text!r}")
    return int(text)
