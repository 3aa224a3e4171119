"""Which request goes where."""

import base64
import uuid
from collections.abc import Callable
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from deployer.ports.clock import Clock
from deployer.sandbox.blob.blobs import Block, Containers, Description, check_crc64, check_md5
from deployer.sandbox.blob.conditions import Conditions
from deployer.sandbox.blob.copies import Sources
from deployer.sandbox.blob.documents import (
    blob_headers,
    block_list_xml,
    container_list_xml,
    list_xml,
    read_block_list,
    written_headers,
)
from deployer.sandbox.blob.keys import check_key, read_key
from deployer.sandbox.blob.refusal import RefusedError
from deployer.sandbox.blob.signature import SharedKey
from deployer.sandbox.blob.tokens import BearerTokens
from deployer.sandbox.checksums import md5_base64
from deployer.sandbox.loopback import Request, Response, cut_range

__all__ = ["BlobApi"]

_PAGE = 5000
_MD5_RANGE = 4 * 1024 * 1024  # the largest range whose MD5 the service computes
_META = "x-ms-meta-"
_UNCHECKED = ("x-ms-structured-body", "x-ms-lease-id")
_SOURCE = "x-ms-copy-source"
_OCTETS = "application/octet-stream"
_Handler = Callable[..., Response]


class BlobApi:
    """The whole service of one account: call it with a request."""

    def __init__(
        self, account: str, key: str, clock: Clock, *, tokens: BearerTokens | None = None
    ) -> None:
        self._account = account
        self._tokens = tokens
        self._signature = SharedKey(account, key, clock)
        self._containers = Containers(clock)
        self._sources = Sources(account, key, self._containers, clock, tokens)
        self._of_container: dict[tuple[str, str], _Handler] = {
            ("PUT", ""): self._create_container,
            ("GET", ""): self._get_container,
            ("HEAD", ""): self._get_container,
            ("DELETE", ""): self._delete_container,
            ("GET", "list"): self._list_blobs,
        }
        self._of_blob: dict[tuple[str, str], _Handler] = {
            ("PUT", ""): self._put_blob,
            ("GET", ""): self._get_blob,
            ("HEAD", ""): self._get_blob,
            ("DELETE", ""): self._delete_blob,
            ("PUT", "block"): self._put_block,
            ("PUT", "blocklist"): self._put_block_list,
            ("GET", "blocklist"): self._get_block_list,
            ("PUT", "metadata"): self._set_metadata,
        }

    def __call__(self, request: Request) -> Response:
        """Answer one request; a refusal becomes its error document."""
        try:
            self._check_login(request)
            answer = self._route(request)
        except RefusedError as refused:
            answer = refused.as_response()
        common = {"x-ms-request-id": str(uuid.uuid4())}
        if version := request.header("x-ms-version"):
            common["x-ms-version"] = version
        return Response(answer.status, answer.body, {**common, **answer.headers})

    def _check_login(self, request: Request) -> None:
        authorization = request.header("Authorization") or ""
        if self._tokens is not None and authorization.startswith("Bearer "):
            self._tokens.check(authorization)
        else:
            self._signature.check(request)

    def _route(self, request: Request) -> Response:
        account, _, path = request.path.removeprefix("/").partition("/")
        container, _, name = (unquote(part) for part in path.partition("/"))
        if account != self._account:
            raise RefusedError(404, "ResourceNotFound", f"There is no account {account}.")
        verb = (request.method, request.query.get("comp", ""))
        _check_headers(request)
        if not container and verb == ("GET", "list"):
            return self._list_containers()
        if name and verb in self._of_blob:
            return self._of_blob[verb](request, container, name)
        if not name and request.query.get("restype") == "container" and verb in self._of_container:
            return self._of_container[verb](request, container)
        message = f"{request.method} comp={verb[1]!r} is not stood in for"
        raise RefusedError(501, "NotImplemented", message)

    def _list_containers(self) -> Response:
        names = self._containers.names()
        return _xml(container_list_xml({name: self._dated(name) for name in names}))

    def _create_container(self, _: Request, container: str) -> Response:
        self._containers.create(container)
        return Response(201, headers=self._dated(container))

    def _get_container(self, _: Request, container: str) -> Response:
        return Response(200, headers=self._dated(container))

    def _delete_container(self, _: Request, container: str) -> Response:
        self._containers.drop(container)
        return Response(202)

    def _list_blobs(self, request: Request, container: str) -> Response:
        query = request.query
        page, blobs = self._containers.page(
            container,
            prefix=query.get("prefix", ""),
            delimiter=query.get("delimiter", ""),
            after=_decode_marker(query.get("marker", "")),
            limit=min(int(query.get("maxresults") or _PAGE), _PAGE),
            uncommitted="uncommittedblobs" in query.get("include", "").split(","),
        )
        marker = base64.urlsafe_b64encode((page.last or "").encode()).decode()
        return _xml(list_xml(query, page, blobs, marker=marker))

    def _put_blob(self, request: Request, container: str, name: str) -> Response:
        if request.header("x-ms-blob-type") != "BlockBlob":
            raise RefusedError(501, "NotImplemented", "Only block blobs are stood in for.")
        if request.header(_SOURCE):
            return self._put_from_url(request, container, name)
        claimed = request.header("x-ms-blob-content-md5") or request.header("Content-MD5")
        check_md5(claimed, request.body)
        check_crc64(request.header("x-ms-content-crc64"), request.body)
        conditions, said = Conditions.of(request), _description(request)
        blob = self._containers.put(container, name, request.body, said, conditions)
        return Response(201, headers=written_headers(blob) | _content_md5(request.body))

    def _put_from_url(self, request: Request, container: str, name: str) -> Response:
        if request.body:
            raise RefusedError(400, "InvalidHeaderValue", "The body comes from the source.")
        data = self._sources.read(request).data
        conditions, said = Conditions.of(request), _description(request)
        blob = self._containers.put(container, name, data, said, conditions)
        return Response(201, headers=written_headers(blob) | _content_md5(data))

    def _put_block(self, request: Request, container: str, name: str) -> Response:
        check_md5(request.header("Content-MD5"), request.body)
        check_crc64(request.header("x-ms-content-crc64"), request.body)
        block = Block(request.query.get("blockid", ""), request.body, read_key(request))
        self._containers.stage(container, name, block)
        return Response(201, headers=_content_md5(request.body))

    def _put_block_list(self, request: Request, container: str, name: str) -> Response:
        check_md5(request.header("Content-MD5"), request.body)
        wanted = read_block_list(request.body)
        conditions, said = Conditions.of(request), _description(request)
        blob = self._containers.commit(container, name, wanted, said, conditions)
        return Response(201, headers=written_headers(blob))

    def _get_block_list(self, request: Request, container: str, name: str) -> Response:
        blob, uncommitted = self._containers.blocks(container, name)
        lists = {
            "CommittedBlocks": blob.blocks if blob else (),
            "UncommittedBlocks": uncommitted,
        }
        wanted = request.query.get("blocklisttype", "committed")
        chosen = {
            kind: blocks
            for kind, blocks in lists.items()
            if wanted == "all" or kind.lower().startswith(wanted)
        }
        return _xml(block_list_xml(chosen), written_headers(blob) if blob else {})

    def _get_blob(self, request: Request, container: str, name: str) -> Response:
        blob = self._containers.get(container, name, Conditions.of(request))
        check_key(request, blob.description.key)
        wanted = request.header("x-ms-range") or request.header("Range")
        status, body, headers = cut_range(blob.data, wanted)
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise RefusedError(416, "InvalidRange", "The range specified is invalid.")
        headers |= blob_headers(blob, part=status == HTTPStatus.PARTIAL_CONTENT)
        if request.header("x-ms-range-get-content-md5") == "true":
            headers |= _range_md5(body)
        return Response(status, body, headers)

    def _set_metadata(self, request: Request, container: str, name: str) -> Response:
        conditions = Conditions.of(request)
        blob = self._containers.set_metadata(container, name, _metadata(request), conditions)
        return Response(200, headers=written_headers(blob))

    def _dated(self, container: str) -> dict[str, str]:
        etag, modified = self._containers.describe(container)
        return {"ETag": etag, "Last-Modified": format_datetime(modified, usegmt=True)}

    def _delete_blob(self, request: Request, container: str, name: str) -> Response:
        self._containers.delete(container, name, Conditions.of(request))
        return Response(202)


def _check_headers(request: Request) -> None:
    for name in _UNCHECKED:
        if request.header(name):
            raise RefusedError(400, "UnsupportedHeader", f"{name} is not stood in for")
    if request.header(_SOURCE) and not request.header("x-ms-blob-type"):
        message = "Other copies than Put Blob From URL are not stood in for."
        raise RefusedError(400, "UnsupportedHeader", message)


def _description(request: Request) -> Description:
    return Description(
        content_type=request.header("x-ms-blob-content-type") or _OCTETS,
        content_encoding=request.header("x-ms-blob-content-encoding") or "",
        md5=request.header("x-ms-blob-content-md5") or "",
        metadata=_metadata(request),
        key=read_key(request),
    )


def _metadata(request: Request) -> dict[str, str]:
    return {
        name[len(_META) :]: value
        for name, value in request.headers.items()
        if name.lower().startswith(_META)
    }


def _range_md5(body: bytes) -> dict[str, str]:
    if len(body) > _MD5_RANGE:
        message = "The MD5 of a range is computed up to 4 MiB."
        raise RefusedError(400, "InvalidHeaderValue", message)
    return _content_md5(body)


def _content_md5(body: bytes) -> dict[str, str]:
    return {"Content-MD5": md5_base64(body)}


def _decode_marker(marker: str) -> str:
    try:
        return base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        message = f"marker is not one of ours: {marker!r}"
        raise RefusedError(400, "InvalidQueryParameterValue", message) from error


def _xml(root: ET.Element, headers: dict[str, str] | None = None) -> Response:
    body = ET.tostring(root, xml_declaration=True, encoding="utf-8")
    return Response(200, body, {"Content-Type": "application/xml", **(headers or {})})
