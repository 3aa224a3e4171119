"""Objects as the service describes them: headers of a read, XML of lists and results."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote
from xml.etree import ElementTree as ET

from deployer.sandbox.listing import Page
from deployer.sandbox.loopback import Response
from deployer.sandbox.s3.checksums import Checksum
from deployer.sandbox.s3.multipart import Part, Upload
from deployer.sandbox.s3.objects import StoredObject
from deployer.sandbox.s3.refusal import RefusedError

__all__ = [
    "buckets_xml",
    "checksum_headers",
    "deleted_xml",
    "list_xml",
    "object_headers",
    "parse_xml",
    "parts_xml",
    "result_xml",
    "uploads_xml",
]

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def checksum_headers(checksum: Checksum) -> dict[str, str]:
    """Return a checksum as headers."""
    return {checksum.header: checksum.value, "x-amz-checksum-type": checksum.type}


def object_headers(stored: StoredObject) -> dict[str, str]:
    """Return what comes with an object's bytes, but for the checksum."""
    draft = stored.draft
    metadata = {f"x-amz-meta-{name}": value for name, value in draft.metadata.items()}
    about = {
        "ETag": f'"{stored.etag}"',
        "Last-Modified": format_datetime(stored.modified, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    return {"Content-Type": "binary/octet-stream", **draft.headers} | metadata | about


def result_xml(name: str, fields: Mapping[str, str]) -> Response:
    """Return a flat document."""
    return _xml(_filled(ET.Element(name, xmlns=_NAMESPACE), fields))


def buckets_xml(buckets: Mapping[str, datetime]) -> Response:
    """Return the list of all buckets."""
    root = ET.Element("ListAllMyBucketsResult", xmlns=_NAMESPACE)
    entries = ET.SubElement(root, "Buckets")
    for name, created in buckets.items():
        fields = {"Name": name, "CreationDate": _iso(created)}
        _filled(ET.SubElement(entries, "Bucket"), fields)
    return _xml(root)


def list_xml(
    fields: Mapping[str, str], page: Page, objects: Iterable[StoredObject], *, encoded: bool
) -> Response:
    """Return one page of a bucket; keys are percent-encoded when the client asked for that."""
    name = _quoted if encoded else str
    root = _filled(ET.Element("ListBucketResult", xmlns=_NAMESPACE), fields)
    for stored in objects:
        _filled(ET.SubElement(root, "Contents"), _entry(stored, name))
    for prefix in page.prefixes:
        _filled(ET.SubElement(root, "CommonPrefixes"), {"Prefix": name(prefix)})
    return _xml(root)


def uploads_xml(bucket: str, uploads: Iterable[Upload]) -> Response:
    """Return the bucket's open uploads."""
    root = ET.Element("ListMultipartUploadsResult", xmlns=_NAMESPACE)
    _filled(root, {"Bucket": bucket, "IsTruncated": "false"})
    for upload in uploads:
        fields = {
            "Key": upload.key,
            "UploadId": upload.id,
            "Initiated": _iso(upload.begun),
            "StorageClass": "STANDARD",
            "ChecksumAlgorithm": upload.algorithm,
            "ChecksumType": upload.type,
        }
        _filled(ET.SubElement(root, "Upload"), fields)
    return _xml(root)


def parts_xml(upload: Upload, parts: Sequence[Part], *, limit: int, more: bool) -> Response:
    """Return one page of an upload's parts."""
    root = ET.Element("ListPartsResult", xmlns=_NAMESPACE)
    fields = {
        "Bucket": upload.bucket,
        "Key": upload.key,
        "UploadId": upload.id,
        "MaxParts": str(limit),
        "IsTruncated": str(more).lower(),
        "NextPartNumberMarker": str(parts[-1].number if parts else 0),
        "ChecksumAlgorithm": upload.algorithm,
        "ChecksumType": upload.type,
    }
    _filled(root, fields)
    for part in parts:
        _filled(ET.SubElement(root, "Part"), _part(part))
    return _xml(root)


def deleted_xml(keys: Iterable[str], failed: Mapping[str, RefusedError]) -> Response:
    """Return what a batch of deletions did to each key."""
    root = ET.Element("DeleteResult", xmlns=_NAMESPACE)
    for key in keys:
        _filled(ET.SubElement(root, "Deleted"), {"Key": key})
    for key, refused in failed.items():
        fields = {"Key": key, "Code": refused.code, "Message": refused.message}
        _filled(ET.SubElement(root, "Error"), fields)
    return _xml(root)


def parse_xml(body: bytes) -> ET.Element:
    """Return the document a client sent; refuses what is none."""
    try:
        return ET.fromstring(body)  # noqa: S314 - loopback only
    except ET.ParseError as error:
        message = "The XML you provided was not well-formed"
        raise RefusedError(400, "MalformedXML", message) from error


def _entry(stored: StoredObject, name: Callable[[str], str]) -> dict[str, str]:
    return {
        "Key": name(stored.key),
        "LastModified": _iso(stored.modified),
        "ETag": f'"{stored.etag}"',
        "ChecksumAlgorithm": stored.draft.checksum.algorithm,
        "ChecksumType": stored.draft.checksum.type,
        "Size": str(len(stored.data)),
        "StorageClass": "STANDARD",
    }


def _part(part: Part) -> dict[str, str]:
    return {
        "PartNumber": str(part.number),
        "LastModified": _iso(part.modified),
        "ETag": f'"{part.etag}"',
        part.checksum.element: part.checksum.value,
        "Size": str(len(part.data)),
    }


def _quoted(key: str) -> str:
    return quote(key, safe="/")


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _filled(element: ET.Element, fields: Mapping[str, str]) -> ET.Element:
    for name, value in fields.items():
        ET.SubElement(element, name).text = value
    return element


def _xml(root: ET.Element) -> Response:
    body = ET.tostring(root, xml_declaration=True, encoding="utf-8")
    return Response(200, body, {"Content-Type": "application/xml"})
