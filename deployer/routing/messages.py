"""HTTP/1.1 heads: what is refused, what is dropped, what is passed on. Pure; bytes in, bytes out.

The parser has already refused what is malformed (bare line feeds, obs-fold, Content-Length beside
Transfer-Encoding, a Content-Length that is twice there or no number). What it accepts and a proxy
must not is refused here: see `check_request`.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from deployer.values import Json

__all__ = [
    "HEAD_LIMIT",
    "Document",
    "Field",
    "Refusal",
    "RequestHead",
    "ResponseHead",
    "check_request",
    "encode_request",
    "encode_response",
    "json_document",
    "local_response",
    "origin_form",
    "read_request_head",
    "read_response_head",
    "request_id",
]

HEAD_LIMIT = 64 * 1024
"""Bytes of a head, in either direction."""

Field = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Document:
    """A body of our own, with what its head needs beside its type and length."""

    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""RFC 9110, 7.6.1, and what RFC 2616 named; none of it is the next connection's business."""

_OF_REQUESTS = _HOP_BY_HOP | {
    b"content-length",
    b"expect",
    b"host",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-request-id",
}
_OF_RESPONSES = _HOP_BY_HOP | {
    b"content-length",
    b"x-deployer-attempts",
    b"x-deployer-target",
    b"x-request-id",
}
_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+;=:\[\]-]*")
_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_ABSOLUTE = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is not passed on: the status, and why."""

    status: int
    message: str


@dataclass(slots=True)
class RequestHead:
    """A request without its body.

    Attributes:
        lines: The end-to-end fields as they came, each with its line end.
        special: The values of fields that are rewritten or dropped, by lower-case name.
    """

    method: bytes
    target: bytes
    version: str
    keep_alive: bool
    lines: list[bytes]
    special: dict[bytes, list[bytes]]

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return b"transfer-encoding" in self.special

    @property
    def has_body(self) -> bool:
        """Whether a body follows, if only an empty one."""
        return self.chunked or b"content-length" in self.special

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for ``100 Continue`` before it sends the body."""
        return self.version == "1.1" and b"expect" in self.special


@dataclass(slots=True)
class ResponseHead:
    """A response without its body; ``length`` is what it declares, None when it declares none."""

    status: int
    reason: bytes
    lines: list[bytes]
    chunked: bool
    length: bytes | None


def read_request_head(
    method: bytes, target: bytes, version: str, fields: Iterable[Field], *, keep_alive: bool
) -> RequestHead:
    """Sort a request's fields into those to pass on and those to look at."""
    lines, special = _split(fields, _OF_REQUESTS)
    return RequestHead(method, target, version, keep_alive, lines, special)


def read_response_head(status: int, reason: bytes, fields: Iterable[Field]) -> ResponseHead:
    """Sort a response's fields into those to pass on and those to look at."""
    lines, special = _split(fields, _OF_RESPONSES)
    lengths = special.get(b"content-length")
    chunked = b"transfer-encoding" in special
    return ResponseHead(status, reason, lines, chunked, lengths[0] if lengths else None)


def check_request(head: RequestHead) -> Refusal | None:
    """Return why the request can't be passed on, or None."""
    if head.version not in ("1.0", "1.1"):
        return Refusal(505, f"HTTP/{head.version} is not spoken here")
    if head.method == b"CONNECT":
        return Refusal(501, "this is no tunnel")
    return _check_host(head) or _check_coding(head) or _check_target(head) or _check_expect(head)


def origin_form(target: bytes) -> bytes:
    """Return the path and query of a request target; an absolute one loses scheme and host."""
    match = None if target.startswith(b"/") else _ABSOLUTE.match(target)
    if match is None:
        return target
    rest = target[match.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def request_id(head: RequestHead) -> bytes | None:
    """Return the id the request came with, or None when it has none that can be kept."""
    ids = head.special.get(b"x-request-id")
    return ids[0] if ids and len(ids) == 1 and _ID.fullmatch(ids[0]) else None


def encode_request(
    head: RequestHead, *, authority: bytes, prefix: bytes, peer: bytes, ident: bytes
) -> bytes:
    """Return the head to send to a backend; a body keeps its length, or comes in chunks.

    ``Host`` is the backend's own, as ingresses route by it; the client's is in
    ``X-Forwarded-Host``. ``X-Forwarded-For`` is continued; proto and host are never taken over from
    a client, as nobody could tell a proxy's word from a forged one.
    """
    special = head.special
    hops = b", ".join([*special.get(b"x-forwarded-for", ()), peer])
    host = special.get(b"host", (b"",))[0]
    parts = [
        b"%b %b%b HTTP/1.1\r\nHost: %b\r\n"
        % (head.method, prefix, origin_form(head.target), authority),
        *head.lines,
        b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: %b\r\n"
        b"X-Request-Id: %b\r\n" % (hops, host, ident),
    ]
    if head.chunked:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    elif head.has_body:
        parts.append(b"Content-Length: %b\r\n" % special[b"content-length"][0])
    parts.append(b"\r\n")
    return b"".join(parts)


def encode_response(
    head: ResponseHead, *, version: str, keep_alive: bool, chunked: bool, extra: bytes
) -> bytes:
    """Return the head to send to the client, in its version, with our own lines in ``extra``."""
    parts = [b"HTTP/1.1 %d %b\r\n" % (head.status, head.reason), *head.lines, extra]
    if chunked:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    elif head.length is not None:
        parts.append(b"Content-Length: %b\r\n" % head.length)
    parts.append(_connection_line(version, keep_alive=keep_alive))
    parts.append(b"\r\n")
    return b"".join(parts)


def local_response(
    status: int,
    payload: Json,
    *,
    version: str = "1.1",
    keep_alive: bool = True,
    bodiless: bool = False,
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """Return a whole response of our own; what is no `Document` is sent as JSON."""
    document = payload if isinstance(payload, Document) else json_document(payload)
    body = document.body
    fields = {**document.headers, **(extra or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return (
        b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())
        + b"Content-Type: %b\r\nContent-Length: %d\r\n"
        % (document.content_type.encode(), len(body))
        + lines.encode()
        + _connection_line(version, keep_alive=keep_alive)
        + b"\r\n"
        + (b"" if bodiless else body)
    )


def json_document(payload: Json, headers: Mapping[str, str] | None = None) -> Document:
    """Return ``payload`` as a document that people can read, too."""
    body = json.dumps(payload, indent=2).encode() + b"\n"
    return Document(body, "application/json", headers or {})


def _split(
    fields: Iterable[Field], special_names: Collection[bytes]
) -> tuple[list[bytes], dict[bytes, list[bytes]]]:
    lines: list[bytes] = []
    special: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        lower = name.lower()
        if lower not in special_names:
            lines.append(name + b": " + value + b"\r\n")
        elif lower in special:
            special[lower].append(value)
        else:
            special[lower] = [value]
    if b"connection" in special and (listed := _listed(special[b"connection"])):
        lines = [line for line in lines if line.partition(b":")[0].lower() not in listed]
    return lines, special


def _listed(values: list[bytes]) -> set[bytes]:
    tokens = {token.strip().lower() for value in values for token in value.split(b",")}
    return tokens - {b"close", b"keep-alive", b""}


def _check_host(head: RequestHead) -> Refusal | None:
    hosts = head.special.get(b"host", ())
    if len(hosts) > 1 or (not hosts and head.version == "1.1"):
        return Refusal(400, "exactly one Host is needed")
    if hosts and not _HOST.fullmatch(hosts[0]):
        return Refusal(400, "Host is malformed")
    return None


def _check_coding(head: RequestHead) -> Refusal | None:
    codings = head.special.get(b"transfer-encoding")
    if codings is None:
        return None
    if head.version == "1.0":
        return Refusal(400, "HTTP/1.0 has no Transfer-Encoding")
    if [coding.strip().lower() for coding in codings] != [b"chunked"]:
        return Refusal(501, "only chunked is known as Transfer-Encoding")
    return None


def _check_target(head: RequestHead) -> Refusal | None:
    if head.target.startswith(b"/") or origin_form(head.target).startswith(b"/"):
        return None
    if head.target == b"*" and head.method == b"OPTIONS":
        return None
    return Refusal(400, "the request target must be a path")


def _check_expect(head: RequestHead) -> Refusal | None:
    expected = head.special.get(b"expect")
    if expected is None or [value.lower() for value in expected] == [b"100-continue"]:
        return None
    return Refusal(417, "only 100-continue can be expected")


def _connection_line(version: str, *, keep_alive: bool) -> bytes:
    if not keep_alive:
        return b"Connection: close\r\n"
    return b"Connection: keep-alive\r\n" if version == "1.0" else b""
