"""SharedKey: every request is signed with the account's key.

The string to sign is Microsoft's "Authorize with Shared Key", Blob service, version 2015-02-21 and
later: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
"""

import base64
import hashlib
import hmac
from datetime import timedelta
from email.utils import parsedate_to_datetime

from deployer.ports.clock import Clock
from deployer.sandbox.blob.refusal import RefusedError
from deployer.sandbox.loopback import Request

__all__ = ["SharedKey"]

_SIGNED = (
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-MD5",
    "Content-Type",
    "Date",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Unmodified-Since",
    "Range",
)
_SKEW = timedelta(minutes=15)


class SharedKey:
    """Checks the signatures of one account."""

    def __init__(self, account: str, key: str, clock: Clock) -> None:
        self._account = account
        self._key = base64.b64decode(key)
        self._clock = clock

    def check(self, request: Request) -> None:
        """Refuse a request that is not signed with the account's key, or is not of now."""
        authorization = request.header("Authorization")
        if authorization is None:
            raise RefusedError(401, "NoAuthenticationInformation", "The request is not signed.")
        expected = f"SharedKey {self._account}:{self.sign(request)}"
        if not hmac.compare_digest(authorization.encode(), expected.encode()):
            raise _failed("the signature does not match")
        self._check_date(request)

    def sign(self, request: Request) -> str:
        """Return the signature that belongs to the request."""
        text = "\n".join((request.method, *_signed_headers(request))) + "\n"
        text += _canonical_headers(request) + self._canonical_resource(request)
        digest = hmac.new(self._key, text.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def _canonical_resource(self, request: Request) -> str:
        query = sorted((name.lower(), value) for name, value in request.query.items())
        lines = "".join(f"\n{name}:{value}" for name, value in query)
        return f"/{self._account}{request.path}{lines}"

    def _check_date(self, request: Request) -> None:
        stamp = request.header("x-ms-date") or request.header("Date") or ""
        try:
            age = abs(self._clock.now() - parsedate_to_datetime(stamp))
        except ValueError as error:
            raise _failed(f"the date cannot be read: {stamp!r}") from error
        if age > _SKEW:
            raise _failed(f"the date is not within 15 minutes of now: {stamp!r}")


def _signed_headers(request: Request) -> list[str]:
    values = [request.header(name) or "" for name in _SIGNED]
    length = _SIGNED.index("Content-Length")
    values[length] = "" if values[length] == "0" else values[length]
    return values


def _canonical_headers(request: Request) -> str:
    headers = ((name.lower(), value.strip()) for name, value in request.headers.items())
    ours = sorted((pair for pair in headers if pair[0].startswith("x-ms-")), key=_service_order)
    return "".join(f"{name}:{value}\n" for name, value in ours)


def _service_order(header: tuple[str, str]) -> tuple[str, int]:
    """Sort as the service's locale does: dashes weigh nothing, underscores come first."""
    name = header[0]
    return name.replace("-", "").replace("_", "!"), len(name)


def _failed(why: str) -> RefusedError:
    message = "Server failed to authenticate the request: " + why
    return RefusedError(403, "AuthenticationFailed", message)
