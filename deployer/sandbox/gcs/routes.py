"""Which request goes where."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote

from deployer.sandbox.gcs.batch import answer_batch
from deployer.sandbox.gcs.conditions import Conditions
from deployer.sandbox.gcs.documents import bucket_resource, media_headers, object_resource
from deployer.sandbox.gcs.keys import check_key, has_key, read_key
from deployer.sandbox.gcs.multipart import SMALLEST_PART, MultipartUploads
from deployer.sandbox.gcs.objects import OCTETS, Buckets, Draft, StoredObject
from deployer.sandbox.gcs.refusal import RefusedError, json_response, read_json
from deployer.sandbox.gcs.uploads import Uploads
from deployer.sandbox.loopback import Request, Response, cut_range

__all__ = ["GcsApi"]

_PAGE = 1000
_Handler = Callable[..., Response]


class GcsApi:
    """The whole service: call it with a request."""

    def __init__(self, buckets: Buckets, *, smallest_part: int = SMALLEST_PART) -> None:
        self._buckets = buckets
        self._uploads = Uploads(buckets)
        self._multipart = MultipartUploads(buckets, smallest_part)
        v1, one = "/storage/v1", "([^/]+)"
        table: list[tuple[str, str, _Handler]] = [
            ("POST", "/batch/storage/v1", lambda request: answer_batch(request, self)),
            ("POST", f"(?:/resumable)?/upload{v1}/b/{one}/o", self._uploads.begin),
            ("PUT", f"(?:/resumable)?/upload{v1}/b/[^/]+/o", self._uploads.proceed),
            ("DELETE", f"(?:/resumable)?/upload{v1}/b/[^/]+/o", self._uploads.cancel),
            ("POST", f"{v1}/b", self._create_bucket),
            ("GET", f"{v1}/b", self._list_buckets),
            ("GET", f"{v1}/b/{one}", self._get_bucket),
            ("DELETE", f"{v1}/b/{one}", self._delete_bucket),
            ("GET", f"{v1}/b/{one}/o", self._list_objects),
            ("POST", f"{v1}/b/{one}/o/{one}/compose", self._compose),
            ("POST", f"{v1}/b/{one}/o/{one}/(copyTo|rewriteTo)/b/{one}/o/{one}", self._copy),
            ("GET", f"(?:/download)?{v1}/b/{one}/o/{one}", self._get_object),
            ("DELETE", f"{v1}/b/{one}/o/{one}", self._delete_object),
            ("PATCH", f"{v1}/b/{one}/o/{one}", self._patch_object),
        ]
        self._table = [(method, re.compile(path), handler) for method, path, handler in table]

    def __call__(self, request: Request) -> Response:
        """Answer one request; a refusal becomes its error document."""
        if request.path.startswith(
            ("/storage/", "/upload/", "/resumable/", "/download/", "/batch")
        ):
            try:
                return self._route(request)
            except RefusedError as refusal:
                return refusal.as_json()
        try:
            return self._multipart.answer(request, *_xml_path(request))
        except RefusedError as refusal:
            return refusal.as_xml()

    def _route(self, request: Request) -> Response:
        for method, path, handler in self._table:
            match = path.fullmatch(request.path)
            if match and method == request.method:
                return handler(request, *map(unquote, match.groups()))
        raise RefusedError(
            501, "notImplemented", f"{request.method} {request.path} is not stood in for"
        )

    def _create_bucket(self, request: Request) -> Response:
        name = _required_name(read_json(request.body))
        self._buckets.create(name)
        return json_response(bucket_resource(name))

    def _list_buckets(self, _: Request) -> Response:
        items = [bucket_resource(name) for name in self._buckets.names()]
        return json_response({"kind": "storage#buckets", "items": items})

    def _get_bucket(self, _: Request, bucket: str) -> Response:
        self._buckets.check(bucket)
        return json_response(bucket_resource(bucket))

    def _delete_bucket(self, _: Request, bucket: str) -> Response:
        self._buckets.drop(bucket)
        return Response(204)

    def _list_objects(self, request: Request, bucket: str) -> Response:
        page, objects = self._buckets.page(
            bucket,
            prefix=request.query.get("prefix", ""),
            delimiter=request.query.get("delimiter", ""),
            after=_decode_token(request.query.get("pageToken", "")),
            limit=min(int(request.query.get("maxResults") or _PAGE), _PAGE),
        )
        document: dict[str, object] = {"kind": "storage#objects"}
        document["items"] = [object_resource(stored) for stored in objects]
        document["prefixes"] = list(page.prefixes)
        if page.last is not None:
            document["nextPageToken"] = base64.urlsafe_b64encode(page.last.encode()).decode()
        return json_response(document)

    def _get_object(self, request: Request, bucket: str, name: str) -> Response:
        stored = self._buckets.get(bucket, name, Conditions.of_query(request.query))
        if request.query.get("alt") != "media":
            return json_response(object_resource(stored, keyed=has_key(request, stored.key)))
        check_key(request, stored.key)
        status, body, headers = cut_range(stored.data, request.header("Range"))
        return Response(status, body, media_headers(stored) | headers)

    def _delete_object(self, request: Request, bucket: str, name: str) -> Response:
        self._buckets.delete(bucket, name, Conditions.of_query(request.query))
        return Response(204)

    def _patch_object(self, request: Request, bucket: str, name: str) -> Response:
        changes = read_json(request.body)
        conditions = Conditions.of_query(request.query)
        return json_response(
            object_resource(self._buckets.patch(bucket, name, changes, conditions))
        )

    def _compose(self, request: Request, bucket: str, name: str) -> Response:
        order = read_json(request.body)
        parts = [
            self._buckets.get(bucket, source["name"], Conditions()).data
            for source in order.get("sourceObjects", ())
        ]
        content_type = order.get("destination", {}).get("contentType") or OCTETS
        draft = Draft(b"".join(parts), content_type, composite=True)
        stored = self._buckets.put(bucket, name, draft, Conditions.of_query(request.query))
        return json_response(object_resource(stored))

    def _copy(self, request: Request, *names: str) -> Response:
        bucket, name, verb, to_bucket, to_name = names
        source = self._buckets.get(bucket, name, Conditions.of_query(request.query, source=True))
        check_key(request, source.key, source=True)
        draft = replace(_copy_of(source, read_json(request.body)), key=read_key(request))
        stored = self._buckets.put(to_bucket, to_name, draft, Conditions.of_query(request.query))
        resource = object_resource(stored, keyed=True)
        if verb == "copyTo":
            return json_response(resource)
        size = str(len(stored.data))
        done = {"kind": "storage#rewriteResponse", "done": True, "resource": resource}
        return json_response(done | {"totalBytesRewritten": size, "objectSize": size})


def _copy_of(source: StoredObject, changes: dict[str, object]) -> Draft:
    metadata = changes.get("metadata")
    return Draft(
        source.data,
        content_type=str(changes.get("contentType") or source.content_type),
        content_encoding=source.content_encoding,
        metadata=metadata if isinstance(metadata, dict) else source.metadata,
        composite=not source.md5,
    )


def _required_name(document: dict[str, object]) -> str:
    if not document.get("name"):
        raise RefusedError(400, "required", "Required: name")
    return str(document["name"])


def _xml_path(request: Request) -> tuple[str, str]:
    bucket, _, name = request.path.removeprefix("/").partition("/")
    return unquote(bucket), unquote(name)


def _decode_token(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise RefusedError(400, "invalid", f"pageToken is not one of ours: {token!r}") from error
