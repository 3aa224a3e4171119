"""Bearer tokens: a managed identity's endpoint that hands them out, and what the service checks.

The endpoint is App Service's ("Use managed identities for App Service and Azure Functions", REST
reference): azure-identity finds it by IDENTITY_ENDPOINT and IDENTITY_HEADER.
"""

import json
import threading
import uuid
from datetime import datetime, timedelta

from deployer.ports.clock import Clock
from deployer.sandbox.blob.refusal import RefusedError
from deployer.sandbox.loopback import Request, Response

__all__ = ["BearerTokens"]

_BEARER = "Bearer "
_RESOURCE = "https://storage.azure.com"
_CHALLENGE = (
    "Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize "
    f"resource_id={_RESOURCE}"
)


class BearerTokens:
    """The tokens of one identity. Safe to use from many threads; call it with a request for one.

    Attributes:
        header: What the endpoint asks for in ``X-IDENTITY-HEADER``.
        lifetime: Of the tokens that are handed out from now on.
        issued: How many were.
    """

    def __init__(self, clock: Clock, *, lifetime: timedelta = timedelta(hours=1)) -> None:
        self.header = uuid.uuid4().hex
        self.lifetime = lifetime
        self.issued = 0
        self._clock = clock
        self._ends: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Response:
        """Hand out a token, as the endpoint does."""
        if request.header("X-IDENTITY-HEADER") != self.header:
            return Response(401)
        if not (request.query.get("resource") or "").startswith(_RESOURCE):
            return Response(400)
        token, ends = uuid.uuid4().hex, self._clock.now() + self.lifetime
        with self._lock:
            self._ends[token] = ends
            self.issued += 1
        document = {
            "access_token": token,
            "expires_on": str(int(ends.timestamp())),
            "resource": _RESOURCE,
            "token_type": "Bearer",
        }
        headers = {"Content-Type": "application/json"}
        return Response(200, json.dumps(document).encode(), headers)

    def end_all(self) -> None:
        """End every token that is out, whatever its holder was told."""
        with self._lock:
            self._ends = dict.fromkeys(self._ends, self._clock.now() - timedelta(seconds=1))

    def check(self, authorization: str) -> None:
        """Refuse what is no token of ours, or one whose time is over."""
        token = authorization.removeprefix(_BEARER)
        with self._lock:
            ends = self._ends.get(token)
        if ends is None or not authorization.startswith(_BEARER):
            raise _refused("Signature validation failed.")
        if ends <= self._clock.now():
            raise _refused("Lifetime validation failed. The token is expired.")


def _refused(why: str) -> RefusedError:
    return RefusedError(401, "InvalidAuthenticationInfo", why, {"WWW-Authenticate": _CHALLENGE})
