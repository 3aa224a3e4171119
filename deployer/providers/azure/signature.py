"""Signing a request to Blob Storage with an account's key.

As the SDK's own policy does, at a tenth of its price: that spends 0.4 ms on a request, half of it
in sorting the headers. By "Authorize with Shared Key" (Azure Storage REST reference); a test
compares the two.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

__all__ = ["sign_request"]

_STANDARD = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)


def sign_request(
    method: str, target: str, headers: Mapping[str, str], *, account: str, key: str
) -> str:
    """Return the request's ``Authorization``.

    Args:
        method: As HTTP calls it.
        target: Path and query, encoded.
        headers: What is signed: those of the standard, and all that begin with ``x-ms-``.
        account: Whose key it is.
        key: In base64, as Azure shows it.
    """
    named = {name.lower(): value for name, value in headers.items()}
    if named.get("content-length") == "0":
        named["content-length"] = ""
    own = [f"{name}:{named[name]}" for name in sorted(named) if name.startswith("x-ms-")]
    path, _, query = target.partition("?")
    asked = [f"{name.lower()}:{value}" for name, value in sorted(parse_qsl(query))]
    standard = [named.get(name, "") for name in _STANDARD]
    text = "\n".join((method, *standard, *own, f"/{account}{path}", *asked))
    code = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256)
    return f"SharedKey {account}:{base64.b64encode(code.digest()).decode()}"
