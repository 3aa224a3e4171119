"""Pages of other origins: what their browsers are told (the Fetch standard, 3.2, "CORS protocol").

Pure. A browser asks first (a preflight) and then shows a page only what it was told it may see;
whoever is no browser does not care. So this protects the users of pages, and nobody else.
"""

from collections.abc import Mapping

from deployer.release.steering import CorsRecord
from deployer.routing.fields import drop_lines, find_field
from deployer.routing.messages import RequestHead

__all__ = ["describe_origin", "describe_preflight", "drop_origins", "encode_fields", "is_preflight"]

_EXPOSED = "X-Request-Id, X-Deployer-Target, Retry-After"
_PREFIX = b"access-control-"


def is_preflight(head: RequestHead) -> bool:
    """Tell whether a browser asks what it may do."""
    asked = find_field(head, b"access-control-request-method")
    return head.method == b"OPTIONS" and asked is not None and _origin(head) is not None


def describe_origin(cors: CorsRecord, head: RequestHead) -> dict[str, str]:
    """Return the fields for an answer to a page; without permission none but ``Vary``."""
    origin = _origin(head)
    if origin is None:
        return {} if cors.origins == ("*",) else {"Vary": "Origin"}
    if "*" in cors.origins:
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": _EXPOSED}
    if origin not in cors.origins:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": _EXPOSED,
        "Vary": "Origin",
    }


def describe_preflight(cors: CorsRecord, head: RequestHead) -> dict[str, str] | None:
    """Return the fields that answer a preflight; None when the page may not ask."""
    fields = describe_origin(cors, head)
    if "Access-Control-Allow-Origin" not in fields:
        return None
    return {
        **fields,
        "Access-Control-Allow-Methods": ", ".join(cors.methods),
        "Access-Control-Allow-Headers": ", ".join(cors.headers),
        "Access-Control-Max-Age": str(cors.max_age_seconds),
    }


def drop_origins(lines: bytes) -> bytes:
    """Return an answer's field lines without what its backend says to browsers."""
    return drop_lines(lines, (_PREFIX,))


def encode_fields(fields: Mapping[str, str]) -> bytes:
    """Return fields as lines of a head."""
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("latin-1")


def _origin(head: RequestHead) -> str | None:
    origin = find_field(head, b"origin")
    return None if origin is None else origin.decode("ascii", "replace")
