"""Signature Version 4: every request is signed with a key's secret, in a header or in its URL.

By the S3 API reference, "Authenticating Requests (AWS Signature Version 4)".
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from deployer.ports.clock import Clock
from deployer.sandbox.loopback import Request
from deployer.sandbox.s3.refusal import RefusedError

__all__ = ["SignatureV4"]

_NAME = "AWS4-HMAC-SHA256"
_HEADER = re.compile(
    rf"{_NAME} +Credential=(?P<credential>[^,]+), *SignedHeaders=(?P<headers>[^,]+), *"
    r"Signature=(?P<signature>[0-9a-f]+)"
)
_SKEW = timedelta(minutes=15)
_MOMENT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a request says of its own signature."""

    key: str
    scope: str
    signed: tuple[str, ...]
    signature: str
    moment: str
    lifetime: timedelta | None

    @property
    def region(self) -> str:
        return self.scope.split("/")[1]


class SignatureV4:
    """Checks the signatures of one key; any region's, as which one is right is the bucket's."""

    def __init__(self, key: str, secret: str, clock: Clock) -> None:
        self._key = key
        self._secret = secret
        self._clock = clock

    def check(self, request: Request) -> str:
        """Refuse a request that is not signed rightly and of now; return the region it is for."""
        claim = _read_claim(request)
        if claim.key != self._key:
            message = "The AWS Access Key Id you provided does not exist in our records."
            raise RefusedError(403, "InvalidAccessKeyId", message)
        self._check_date(claim)
        if not hmac.compare_digest(claim.signature, self._sign(request, claim)):
            message = "The request signature we calculated does not match the one you provided."
            raise RefusedError(403, "SignatureDoesNotMatch", message)
        return claim.region

    def sign(self, request: Request, region: str) -> str:
        """Return the ``Authorization`` that signs all headers; ``x-amz-date`` is among them."""
        moment = request.header("x-amz-date") or ""
        scope = f"{moment[:8]}/{region}/s3/aws4_request"
        signed = tuple(sorted(name.lower() for name in request.headers))
        claim = _Claim(self._key, scope, signed, "", moment, None)
        words = f"Credential={self._key}/{scope}, SignedHeaders={';'.join(signed)}"
        return f"{_NAME} {words}, Signature={self._sign(request, claim)}"

    def _check_date(self, claim: _Claim) -> None:
        try:
            signed = datetime.strptime(claim.moment, _MOMENT).replace(tzinfo=UTC)
        except ValueError as error:
            raise RefusedError(403, "AccessDenied", "X-Amz-Date cannot be read.") from error
        age = self._clock.now() - signed
        if claim.lifetime is not None and age > claim.lifetime:
            raise RefusedError(403, "AccessDenied", "Request has expired")
        if claim.lifetime is None and abs(age) > _SKEW:
            message = "The difference between the request time and the current time is too large."
            raise RefusedError(403, "RequestTimeTooSkewed", message)

    def _sign(self, request: Request, claim: _Claim) -> str:
        canonical = hashlib.sha256(_canonical(request, claim).encode()).hexdigest()
        text = f"{_NAME}\n{claim.moment}\n{claim.scope}\n{canonical}"
        key = f"AWS4{self._secret}".encode()
        for part in claim.scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _read_claim(request: Request) -> _Claim:
    if request.query.get("X-Amz-Algorithm") == _NAME:
        return _claim_of_url(request)
    match = _HEADER.fullmatch((request.header("Authorization") or "").strip())
    if match is None:
        raise RefusedError(403, "AccessDenied", "Access Denied")
    moment = request.header("x-amz-date") or ""
    return _claim(match["credential"], match["headers"], match["signature"], moment, None)


def _claim_of_url(request: Request) -> _Claim:
    query = request.query
    try:
        lifetime = timedelta(seconds=int(query["X-Amz-Expires"]))
        return _claim(
            query["X-Amz-Credential"],
            query["X-Amz-SignedHeaders"],
            query["X-Amz-Signature"],
            query["X-Amz-Date"],
            lifetime,
        )
    except (KeyError, ValueError) as error:
        message = "Query-string authentication needs all of its X-Amz- parameters."
        raise RefusedError(400, "AuthorizationQueryParametersError", message) from error


def _claim(
    credential: str, signed: str, signature: str, moment: str, lifetime: timedelta | None
) -> _Claim:
    key, _, scope = credential.partition("/")
    if scope.count("/") != 3 or not scope.endswith("/s3/aws4_request"):  # noqa: PLR2004 - date/region/service/end
        message = "The authorization header is malformed; the Credential is mal-formed."
        raise RefusedError(400, "AuthorizationHeaderMalformed", message)
    return _Claim(key, scope, tuple(signed.split(";")), signature, moment, lifetime)


def _canonical(request: Request, claim: _Claim) -> str:
    headers = [
        f"{name}:{' '.join((request.header(name) or '').split())}\n" for name in claim.signed
    ]
    payload = "UNSIGNED-PAYLOAD" if claim.lifetime else request.header("x-amz-content-sha256")
    lines = (
        request.method,
        quote(unquote(request.path), safe="/~"),
        _canonical_query(request),
        "".join(headers),
        ";".join(claim.signed),
        payload or hashlib.sha256(request.body).hexdigest(),
    )
    return "\n".join(lines)


def _canonical_query(request: Request) -> str:
    pairs = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in request.query.items()
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in pairs)
