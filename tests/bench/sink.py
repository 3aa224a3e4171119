"""A store that is never the bottleneck: it drops what it is sent and serves a fixed pattern.

Speaks as much of S3, of Cloud Storage and of Blob Storage as clients need to move a file, checks
nothing, and believes every checksum that it is told. Every object's bytes are `pattern`, repeated.
Only for measuring clients: ``python tests/bench/sink.py [RATE]`` prints its port; with a rate it
takes so many MiB a second from each connection, as a network would.
"""

import json
import random
import re
import socket
import socketserver
import sys
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from deployer.checksums import combine_crcs
from deployer.providers.local.clock import SystemClock

MEBIBYTE = 1 << 20
_UNIT = random.Random(1).randbytes(MEBIBYTE)
_BLOCK = memoryview(_UNIT * 17)
_TIME = "Mon, 23 Nov 2026 08:00:00 GMT"
_ISO = "2026-11-23T08:00:00.000Z"
_SPARE = bytearray(MEBIBYTE)


def pattern(size: int) -> bytes:
    """Return the bytes of an object of ``size``."""
    return (_UNIT * (size // MEBIBYTE + 1))[:size]


@dataclass
class Stored:
    """An object: its size, and the headers that say its checksums as the clouds do."""

    size: int
    crc64: str = ""
    crc32c: str = ""
    md5: str = ""
    blocks: list[tuple[str, int]] = field(default_factory=list)


OBJECTS: dict[str, Stored] = {}
PARTS: dict[str, dict[str, tuple[str, int]]] = {}
CLOCK = SystemClock()
RATES: list[float] = []


class Handler(socketserver.StreamRequestHandler):
    """One connection; keep-alive."""

    rbufsize = 1 << 16
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            while self._serve():
                pass
        except (ConnectionError, ValueError):
            return

    def _serve(self) -> bool:
        lines = self._read_head().decode("latin-1").split("\r\n")
        if not lines[0]:
            return False
        self.method, self.target, _ = lines[0].split(" ", 2)
        pairs = (line.split(":", 1) for line in lines[1:])
        self.headers = {name.lower(): value.strip() for name, value in pairs}
        if self.headers.get("expect"):
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        parts = urlsplit(self.target)
        self.path = unquote(parts.path)
        self.query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        self._route()
        return True

    def _read_head(self) -> bytes:
        """Return the lines up to an empty one; nothing when the client is gone."""
        end = cast("BufferedReader", self.rfile).peek().find(b"\r\n\r\n")
        if end >= 0:
            return self.rfile.read(end + 4)[:end]
        lines = b""
        while line := self.rfile.readline().rstrip(b"\r\n"):
            lines += b"\r\n" + line
        return lines[2:]

    def _route(self) -> None:
        path = self.path
        if path.startswith("/upload/"):
            self._gcs_upload()
        elif path.startswith(("/storage/", "/download/")):
            self._gcs_read(path.partition("/o/")[2])
        elif path.startswith("/devstoreaccount1/"):
            self._azure(path.removeprefix("/devstoreaccount1/bench").strip("/"))
        else:
            self._s3(path.removeprefix("/bench").strip("/"))

    # -------------------------------------------------------------- S3, and GCS's XML API
    def _s3(self, key: str) -> None:
        query = self.query
        if self.method == "POST" and "uploads" in query:
            self._drop()
            PARTS[key] = {}
            self._xml(
                '<R xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>bench</Bucket>'
                f"<Key>{key}</Key><UploadId>{key}</UploadId></R>"
            )
        elif self.method == "POST" and "uploadId" in query:
            self._read()
            self._complete(key)
        elif self.method == "POST":
            self._read()
            self._xml("<DeleteResult/>")
        elif self.method == "PUT":
            self._put(key)
        elif self.method == "GET" and "uploads" in query:
            self._xml("<ListMultipartUploadsResult/>")
        elif self.method == "GET" and ("list-type" in query or not key):
            self._list_s3(query.get("prefix", ""))
        else:
            self._object(key)

    def _put(self, key: str) -> None:
        size = self._drop()
        echoed = {
            k: v
            for k, v in self.headers.items()
            if k.startswith(("x-amz-checksum-", "x-goog-hash"))
        }
        if "partNumber" in self.query:
            crc32c = self.headers.get("x-goog-hash", "").partition("crc32c=")[2]
            PARTS[key][self.query["partNumber"]] = (crc32c, size)
        else:
            OBJECTS[key] = Stored(size, crc64=echoed.get("x-amz-checksum-crc64nvme", ""))
        self._send(200, headers={"ETag": '"e"', **echoed})

    def _complete(self, key: str) -> None:
        parts = [part for _, part in sorted(PARTS.pop(key, {}).items(), key=lambda i: int(i[0]))]
        stored = Stored(sum(size for _, size in parts))
        stored.crc64 = self.headers.get("x-amz-checksum-crc64nvme", "")
        if all(crc for crc, _ in parts):
            stored.crc32c = _hex_to_base64(
                combine_crcs("crc32c", ((_base64_to_hex(crc), size) for crc, size in parts))
            )
        OBJECTS[key] = stored
        self._xml(f'<R><Bucket>bench</Bucket><Key>{key}</Key><ETag>"e"</ETag></R>')

    def _list_s3(self, prefix: str) -> None:
        found = "".join(
            f'<Contents><Key>{key}</Key><Size>{stored.size}</Size><ETag>"e"</ETag>'
            f"<LastModified>{_ISO}</LastModified><StorageClass>STANDARD</StorageClass></Contents>"
            for key, stored in sorted(OBJECTS.items())
            if key.startswith(prefix)
        )
        self._xml(
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bench</Name>'
            f"<IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
        )

    # -------------------------------------------------------------- objects
    def _object(self, key: str) -> None:
        stored = OBJECTS.get(key)
        if stored is None:
            self._send(
                404, b"" if self.method == "HEAD" else b"<Error><Code>NoSuchKey</Code></Error>"
            )
            return
        headers = {
            "ETag": '"e"',
            "Last-Modified": _TIME,
            "X-Goog-Generation": "1",
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
            "x-ms-blob-type": "BlockBlob",
        }
        if self.method == "HEAD" and stored.crc64:
            headers["x-amz-checksum-crc64nvme"] = stored.crc64
            headers["x-amz-checksum-type"] = "FULL_OBJECT"
        if stored.md5:
            headers["Content-MD5"] = stored.md5
        self._body(stored.size, headers)

    def _body(self, size: int, headers: dict[str, str]) -> None:
        wanted = self.headers.get("x-ms-range") or self.headers.get("range") or ""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
        start, end = 0, size - 1
        if match:
            start, end = int(match[1]), min(int(match[2] or size - 1), size - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{size}"
        self.wfile.write(self._head(206 if match else 200, end - start + 1, headers))
        if self.method == "HEAD":
            return
        while start <= end:
            at = start % MEBIBYTE
            count = min(end - start + 1, 16 * MEBIBYTE)
            self.wfile.write(_BLOCK[at : at + count])
            start += count

    # -------------------------------------------------------------- GCS, JSON API
    def _gcs_read(self, key: str) -> None:
        source, renamed, target = key.partition("/rewriteTo/b/bench/o/")
        if renamed:
            self._read()
            OBJECTS[target] = OBJECTS[source]
            size = str(OBJECTS[source].size)
            done = {"kind": "storage#rewriteResponse", "done": True, "objectSize": size}
            resource = _resource(target, OBJECTS[source])
            self._json({**done, "totalBytesRewritten": size, "resource": resource})
        elif self.method == "DELETE":
            OBJECTS.pop(key, None)
            self._send(204)
        elif not key:
            items = [_resource(k, s) for k, s in sorted(OBJECTS.items()) if self._listed(k)]
            self._json({"kind": "storage#objects", "items": items})
        elif self.query.get("alt") == "media":
            self._object(key)
        elif key in OBJECTS:
            self._json(_resource(key, OBJECTS[key]))
        else:
            self._json({"error": {"code": 404, "message": "none"}}, 404)

    def _listed(self, key: str) -> bool:
        return key.startswith(self.query.get("prefix", ""))

    def _gcs_upload(self) -> None:
        if self.method == "POST" and self.query.get("uploadType") == "resumable":
            document = json.loads(self._read() or b"{}")
            key = document.get("name") or self.query["name"]
            url = f"http://{self.headers['host']}/upload/x?upload_id={key}"
            self._send(200, headers={"Location": url})
        elif self.method == "POST":
            body = self._read()
            boundary = body[: body.index(b"\r\n")]
            _, described, rest = body.split(boundary, 2)
            document = json.loads(described.split(b"\r\n\r\n", 1)[1])
            size = rest.rindex(b"\r\n" + boundary) - rest.index(b"\r\n\r\n") - 4
            stored = Stored(size, crc32c=document.get("crc32c", ""))
            OBJECTS[document["name"]] = stored
            self._json(_resource(document["name"], stored))
        else:
            self._gcs_chunk(self.query["upload_id"])

    def _gcs_chunk(self, key: str) -> None:
        self._drop()
        match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", self.headers["content-range"])
        assert match
        if match[3] != "*" and int(match[2]) + 1 == int(match[3]):
            OBJECTS[key] = Stored(int(match[3]))
            self._json(_resource(key, OBJECTS[key]))
        else:
            self._send(308, headers={"Range": f"bytes=0-{match[2]}"})

    # -------------------------------------------------------------- Azure
    def _azure(self, key: str) -> None:
        comp = self.query.get("comp", "")
        common = {"ETag": '"e"', "Last-Modified": _TIME}
        if self.method == "PUT" and comp == "block":
            PARTS.setdefault(key, {})[self.query["blockid"]] = ("", self._drop())
            self._send(201)
        elif self.method == "PUT" and comp == "blocklist":
            ids = re.findall(rb"<Latest>(.*?)</Latest>", self._read())
            sizes = PARTS.pop(key, {})
            blocks = [(name.decode(), sizes[name.decode()][1]) for name in ids]
            OBJECTS[key] = Stored(sum(size for _, size in blocks), blocks=blocks)
            self._send(201, headers=common)
        elif self.method == "PUT":
            md5 = self.headers.get("content-md5", "")
            OBJECTS[key] = Stored(self._drop(), md5=md5)
            self._send(201, headers={**common, "Content-MD5": md5} if md5 else common)
        elif comp == "blocklist":
            self._azure_blocks(OBJECTS.get(key))
        elif comp == "list":
            self._azure_list()
        else:
            self._object(key)

    def _azure_blocks(self, stored: Stored | None) -> None:
        kind = (
            "UncommittedBlocks"
            if self.query["blocklisttype"] == "uncommitted"
            else "CommittedBlocks"
        )
        if stored is None:
            self._send(404, headers={"x-ms-error-code": "BlobNotFound"})
            return
        blocks = stored.blocks if kind == "CommittedBlocks" else []
        listed = "".join(
            f"<Block><Name>{name}</Name><Size>{size}</Size></Block>" for name, size in blocks
        )
        self._xml(f"<BlockList><{kind}>{listed}</{kind}></BlockList>")

    def _azure_list(self) -> None:
        blobs = "".join(
            f"<Blob><Name>{key}</Name><Properties><Etag>e</Etag><Last-Modified>{_TIME}"
            f"</Last-Modified><Content-Length>{stored.size}</Content-Length>"
            "<BlobType>BlockBlob</BlobType></Properties></Blob>"
            for key, stored in sorted(OBJECTS.items())
            if self._listed(key)
        )
        self._xml(f"<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker/></EnumerationResults>")

    # -------------------------------------------------------------- the wire
    def _read(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _drop(self) -> int:
        """Throw a body away; return its size, without the chunks' own bytes."""
        if "content-length" not in self.headers:
            return self._drop_chunks()
        left = size = int(self.headers["content-length"])
        if left:
            came = cast("BufferedReader", self.rfile).peek()
            left -= len(self.rfile.read(min(left, len(came))))
        while left:
            got = self._skip(min(left, MEBIBYTE))
            if not got:
                raise ConnectionError("cut off")
            left -= got
            if RATES:
                CLOCK.sleep(got / MEBIBYTE / RATES[0])
        return int(self.headers.get("x-amz-decoded-content-length", size))

    def _skip(self, most: int) -> int:
        """Take bytes without copying them from the kernel (man 7 tcp, MSG_TRUNC)."""
        count: int = self.connection.recv_into(_SPARE, most, socket.MSG_TRUNC)
        return count

    def _drop_chunks(self) -> int:
        while count := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            self.rfile.read(count + 2)
        self.rfile.readline()
        return int(self.headers.get("x-amz-decoded-content-length", 0))

    def _xml(self, text: str) -> None:
        self._send(200, text.encode(), {"Content-Type": "application/xml"})

    def _json(self, document: Any, status: int = 200) -> None:
        self._send(status, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.wfile.write(self._head(status, len(body), headers or {}) + body)

    def _head(self, status: int, length: int, headers: dict[str, str]) -> bytes:
        lines = [f"HTTP/1.1 {status} answered", f"Content-Length: {length}", "x-ms-request-id: 1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _resource(key: str, stored: Stored) -> dict[str, str]:
    resource = {"name": key, "bucket": "bench", "size": str(stored.size), "generation": "1"}
    resource |= {"updated": _ISO, "etag": "e", "metageneration": "1"}
    return resource | ({"crc32c": stored.crc32c} if stored.crc32c else {})


def _base64_to_hex(text: str) -> str:
    import base64  # noqa: PLC0415 - small

    return base64.b64decode(text).hex()


def _hex_to_base64(text: str) -> str:
    import base64  # noqa: PLC0415 - small

    return base64.b64encode(bytes.fromhex(text)).decode()


class Server(socketserver.ThreadingTCPServer):
    """Threads, one a connection."""

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True


def main() -> None:
    RATES.extend(map(float, sys.argv[1:]))
    with Server(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        sys.setswitchinterval(0.001)
        server.serve_forever()


if __name__ == "__main__":
    main()
