"""Blobs as the service describes them: headers of a read, XML of lists."""

from collections.abc import Mapping
from email.utils import format_datetime
from xml.etree import ElementTree as ET

from deployer.sandbox.blob.blobs import Blob, Block
from deployer.sandbox.blob.refusal import RefusedError
from deployer.sandbox.listing import Page

__all__ = [
    "blob_headers",
    "block_list_xml",
    "container_list_xml",
    "list_xml",
    "read_block_list",
    "written_headers",
]


def written_headers(blob: Blob) -> dict[str, str]:
    """Return what every write answers with."""
    return {"ETag": blob.etag, "Last-Modified": format_datetime(blob.modified, usegmt=True)}


def blob_headers(blob: Blob, *, part: bool) -> dict[str, str]:
    """Return what comes with the bytes; the whole blob's MD5 has another name beside a part."""
    said = blob.description
    optional = {
        "Content-Encoding": said.content_encoding,
        "x-ms-blob-content-md5" if part else "Content-MD5": said.md5,
    }
    return (
        written_headers(blob)
        | {key: value for key, value in optional.items() if value}
        | {f"x-ms-meta-{key}": value for key, value in said.metadata.items()}
        | {
            "Content-Type": said.content_type,
            "Accept-Ranges": "bytes",
            "x-ms-blob-type": "BlockBlob",
            "x-ms-creation-time": format_datetime(blob.created, usegmt=True),
            "x-ms-server-encrypted": "true",
        }
    )


def list_xml(
    asked: Mapping[str, str], page: Page, blobs: list[Blob | str], *, marker: str
) -> ET.Element:
    """Return a page of blobs, prefixes behind names; of uncommitted ones the name is all there is.

    What was asked for comes back too: the SDK asks for the next page with what it reads here.
    """
    metadata = "metadata" in asked.get("include", "").split(",")
    root = ET.Element("EnumerationResults")
    for name in ("Prefix", "Marker", "MaxResults", "Delimiter"):
        if name.lower() in asked:
            _fill(root, {name: asked[name.lower()]})
    entries = ET.SubElement(root, "Blobs")
    for blob in blobs:
        if isinstance(blob, str):
            _add_uncommitted(entries, blob)
        else:
            _add_blob(entries, blob, metadata=metadata)
    for prefix in page.prefixes:
        _fill(ET.SubElement(entries, "BlobPrefix"), {"Name": prefix})
    _fill(root, {"NextMarker": marker})
    return root


def container_list_xml(containers: Mapping[str, Mapping[str, str]]) -> ET.Element:
    """Return all containers with their properties."""
    root = ET.Element("EnumerationResults")
    entries = ET.SubElement(root, "Containers")
    for name, properties in containers.items():
        entry = ET.SubElement(entries, "Container")
        _fill(entry, {"Name": name})
        _fill(ET.SubElement(entry, "Properties"), properties)
    _fill(root, {"NextMarker": ""})
    return root


def block_list_xml(lists: dict[str, tuple[Block, ...]]) -> ET.Element:
    """Return block lists by the name of their element."""
    root = ET.Element("BlockList")
    for kind, blocks in lists.items():
        entries = ET.SubElement(root, kind)
        for block in blocks:
            fields = {"Name": block.id, "Size": str(len(block.data))}
            _fill(ET.SubElement(entries, "Block"), fields)
    return root


def read_block_list(body: bytes) -> list[tuple[str, str]]:
    """Read what Put Block List sends: (``Latest``, ``Committed`` or ``Uncommitted``, id)."""
    try:
        root = ET.fromstring(body)  # noqa: S314 - loopback only
    except ET.ParseError as error:
        raise RefusedError(400, "InvalidXmlDocument", "The block list is no XML.") from error
    return [(entry.tag, entry.text or "") for entry in root]


def _add_uncommitted(entries: ET.Element, name: str) -> None:
    element = ET.SubElement(entries, "Blob")
    _fill(element, {"Name": name})
    properties = ET.SubElement(element, "Properties")
    _fill(properties, {"Content-Length": "0", "BlobType": "BlockBlob"})


def _add_blob(entries: ET.Element, blob: Blob, *, metadata: bool) -> None:
    said, entry = blob.description, ET.SubElement(entries, "Blob")
    _fill(entry, {"Name": blob.name})
    fields = {
        "Creation-Time": format_datetime(blob.created, usegmt=True),
        "Last-Modified": format_datetime(blob.modified, usegmt=True),
        "Etag": blob.etag.strip('"'),
        "Content-Length": str(len(blob.data)),
        "Content-Type": said.content_type,
        "Content-Encoding": said.content_encoding,
        "Content-MD5": said.md5,
        "BlobType": "BlockBlob",
    }
    _fill(ET.SubElement(entry, "Properties"), fields)
    if metadata:
        _fill(ET.SubElement(entry, "Metadata"), said.metadata)


def _fill(element: ET.Element, fields: Mapping[str, str]) -> None:
    for name, value in fields.items():
        ET.SubElement(element, name).text = value
