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

from deployer.routing.address import Address
from deployer.values import Json

__all__ = [
    "HEAD_LIMIT",
    "Document",
    "Field",
    "Refusal",
    "RequestHead",
    "ResponseHead",
    "check_request",
    "encode_chunks",
    "encode_request",
    "encode_response",
    "encode_switch",
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
_TO_CHECK = frozenset({b"expect", b"transfer-encoding"})
_SWITCH = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+;=:\[\]-]*")
_ID = re.compile(rb"[\x21\x23-\x5b\x5d-\x7e]{1,128}")
"""What a log's line can quote as it is."""

_ABSOLUTE = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is not passed on: the status, and why."""

    status: int
    message: str


@dataclass(slots=True, init=False)
class RequestHead:
    """A request without its body. Made by hand: every request makes one.

    Attributes:
        lines: The end-to-end fields as they came, each with its line end.
        special: The values of fields that are rewritten or dropped, by lower-case name.
    """

    method: bytes
    target: bytes
    version: str
    keep_alive: bool
    lines: bytes
    special: dict[bytes, list[bytes]]

    def __init__(
        self,
        method: bytes,
        target: bytes,
        version: str,
        *,
        keep_alive: bool,
        lines: bytes,
        special: dict[bytes, list[bytes]],
    ) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.keep_alive = keep_alive
        self.lines = lines
        self.special = special

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return b"transfer-encoding" in self.special

    @property
    def opens_tunnel(self) -> bool:
        """Whether it is a WebSocket's opening handshake (RFC 6455, 4.1)."""
        asked = self.special.get(b"upgrade")
        return (
            asked is not None
            and [value.strip().lower() for value in asked] == [b"websocket"]
            and self.method == b"GET"
            and self.version == "1.1"
            and not self.has_body
        )

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
    lines: bytes
    chunked: bool
    length: bytes | None


def read_request_head(
    method: bytes, target: bytes, version: str, fields: Iterable[Field], *, keep_alive: bool
) -> RequestHead:
    """Sort a request's fields into those to pass on and those to look at."""
    lines, special = _split(fields, _OF_REQUESTS)
    return RequestHead(method, target, version, keep_alive=keep_alive, lines=lines, special=special)


def read_response_head(status: int, reason: bytes, fields: Iterable[Field]) -> ResponseHead:
    """Sort a response's fields into those to pass on and those to look at."""
    lines, special = _split(fields, _OF_RESPONSES)
    lengths = special.get(b"content-length")
    chunked = b"transfer-encoding" in special
    return ResponseHead(status, reason, lines, chunked, lengths[0] if lengths else None)


def check_request(head: RequestHead) -> Refusal | None:
    """Return why the request can't be passed on, or None."""
    special = head.special
    if (  # nothing is wrong with what nearly every request looks like
        head.version == "1.1"
        and head.target[:1] == b"/"
        and (hosts := special.get(b"host"))
        and len(hosts) == 1
        and _HOST.fullmatch(hosts[0])
        and _TO_CHECK.isdisjoint(special)
        and head.method != b"CONNECT"
    ):
        return None
    if head.version not in ("1.0", "1.1"):
        return Refusal(505, f"HTTP/{head.version} is not spoken here")
    if head.method == b"CONNECT":
        return Refusal(501, "this is no tunnel")
    return _check_host(head) or _check_coding(head) or _check_target(head) or _check_expect(head)


def origin_form(target: bytes) -> bytes:
    """Return the path and query of a request target; an absolute one loses scheme and host."""
    if target[:1] == b"/":
        return target
    match = _ABSOLUTE.match(target)
    if match is None:
        return target
    rest = target[match.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def request_id(head: RequestHead) -> bytes | None:
    """Return the id the request came with, or None when it has none that can be kept."""
    ids = head.special.get(b"x-request-id")
    return ids[0] if ids and len(ids) == 1 and _ID.fullmatch(ids[0]) else None


def encode_request(
    head: RequestHead, to: Address, peer: bytes, ident: bytes, *, scheme: bytes = b"http"
) -> bytes:
    """Return the head to send to a backend; a body keeps its length, or comes in chunks.

    ``Host`` is the backend's own, as ingresses route by it; the client's is in
    ``X-Forwarded-Host``. ``X-Forwarded-For`` is continued; proto and host are never taken over from
    a client, as nobody could tell a proxy's word from a forged one.
    """
    special, target = head.special, head.target
    known = special.get(b"x-forwarded-for")
    hops = peer if known is None else b", ".join([*known, peer])
    lengths = special.get(b"content-length")
    if b"upgrade" in special and head.opens_tunnel:
        framing = b"\r\n" + _SWITCH
    elif b"transfer-encoding" in special:
        framing = b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    elif lengths is not None:
        framing = b"\r\nContent-Length: %b\r\n\r\n" % lengths[0]
    else:
        framing = b"\r\n\r\n"
    return b"".join(
        (
            head.method,
            b" ",
            to.prefix,
            target if target[:1] == b"/" else origin_form(target),
            b" HTTP/1.1\r\nHost: ",
            to.authority,
            b"\r\n",
            head.lines,
            b"X-Forwarded-For: ",
            hops,
            b"\r\nX-Forwarded-Proto: ",
            scheme,
            b"\r\nX-Forwarded-Host: ",
            special.get(b"host", (b"",))[0],
            b"\r\nX-Request-Id: ",
            ident,
            framing,
        )
    )


def encode_response(
    head: ResponseHead, asked: RequestHead, *, keep_alive: bool, extra: bytes
) -> tuple[bytes, bool, bool]:
    """Return the head to send to the client, in its version, with our own lines in ``extra``.

    And whether the body goes in chunks, and whether the connection can go on afterwards: a body
    that ends with its connection comes in chunks to all who know them.
    """
    framing, chunked, length = b"", False, head.length
    if length is not None:
        framing = b"Content-Length: %b\r\n" % length
    elif head.status not in (204, 304) and asked.method != b"HEAD":
        chunked = asked.version == "1.1"
        keep_alive = keep_alive and chunked
        framing = b"Transfer-Encoding: chunked\r\n" if chunked else b""
    if not keep_alive or asked.version == "1.0":
        framing += _connection_line(asked.version, keep_alive=keep_alive)
    line = (head.status, head.reason, head.lines, extra, framing)
    return b"HTTP/1.1 %d %b\r\n%b%b%b\r\n" % line, chunked, keep_alive


def encode_switch(head: ResponseHead, *, extra: bytes) -> bytes:
    """Return the head that tells the client that the tunnel is open."""
    return b"HTTP/1.1 101 %b\r\n%b%b%b" % (head.reason, head.lines, extra, _SWITCH)


def encode_chunks(chunks: Iterable[bytes], *, complete: bool) -> list[bytes]:
    """Return body parts as chunks, with the last one when they are all."""
    framed = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    return [*framed, b"0\r\n\r\n"] if complete else framed


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
) -> tuple[bytes, dict[bytes, list[bytes]]]:
    lines: list[bytes] = []
    special: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        lower = name.lower()
        if lower not in special_names:
            lines.append(b"%b: %b\r\n" % (name, value))
        elif lower in special:
            special[lower].append(value)
        else:
            special[lower] = [value]
    if b"connection" in special and (listed := _listed(special[b"connection"])):
        lines = [line for line in lines if line.partition(b":")[0].lower() not in listed]
    return b"".join(lines), special


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
