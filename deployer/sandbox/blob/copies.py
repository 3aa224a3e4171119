"""Put Blob From URL: the source, read as a stranger reads it.

Of the sources only those of this very account are stood in for, with a token, or a service SAS of
one blob ("Create a service SAS", versions 2020-12-06 and later).
"""

import base64
import hashlib
import hmac
from datetime import datetime
from email.message import Message
from urllib.parse import unquote

from deployer.ports.clock import Clock
from deployer.sandbox.blob.blobs import Blob, Containers, check_md5
from deployer.sandbox.blob.conditions import Conditions
from deployer.sandbox.blob.keys import check_key
from deployer.sandbox.blob.refusal import RefusedError
from deployer.sandbox.blob.tokens import BearerTokens
from deployer.sandbox.loopback import Request

__all__ = ["Sources"]

_UNUSED = ("si", "sip", "spr", "snapshot", "ses", "rscc", "rscd", "rsce", "rscl", "rsct")


class Sources:
    """What one account's blobs may be made from."""

    def __init__(
        self,
        account: str,
        key: str,
        containers: Containers,
        clock: Clock,
        tokens: BearerTokens | None = None,
    ) -> None:
        self._tokens = tokens
        self._account = account
        self._key = base64.b64decode(key)
        self._containers = containers
        self._clock = clock

    def read(self, request: Request) -> Blob:
        """Return the blob that ``x-ms-copy-source`` names, if it meets the source's conditions."""
        named = request.header("x-ms-copy-source") or ""
        asked = Request.of("GET", named.partition("://")[2].partition("/")[2], Message())
        account, _, path = asked.path.partition("/")
        if account != self._account:
            raise RefusedError(501, "NotImplemented", "Only this account is stood in for.")
        login = request.header("x-ms-copy-source-authorization")
        if self._tokens is not None and login:
            self._tokens.check(login)
        else:
            self._check_sas(path, asked)
        container, _, name = (unquote(part) for part in path.partition("/"))
        blob = self._containers.get(container, name, Conditions())
        if request.header("x-ms-source-if-match") not in {None, blob.etag}:
            message = "The source condition specified using HTTP conditional header(s) is not met."
            raise RefusedError(412, "SourceConditionNotMet", message)
        check_key(request, blob.description.key, source=True)
        check_md5(request.header("x-ms-source-content-md5"), blob.data)
        return blob

    def _check_sas(self, path: str, asked: Request) -> None:
        query = asked.query
        given = {name: query[name] for name in _UNUSED if name in query}
        if given or query.get("sr") != "b" or "r" not in query.get("sp", ""):
            raise _refused("no SAS that reads one blob")
        signed = hmac.new(self._key, self._text(path, asked).encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(base64.b64encode(signed).decode(), query.get("sig", "")):
            raise _refused("its signature does not match")
        if datetime.fromisoformat(query["se"]) < self._clock.now():
            raise _refused("it is over")

    def _text(self, path: str, asked: Request) -> str:
        query = asked.query
        resource = f"/blob/{self._account}/{unquote(path)}"
        first = (query["sp"], query.get("st", ""), query["se"], resource)
        return "\n".join((*first, "", "", "", query["sv"], "b", *[""] * 7))


def _refused(why: str) -> RefusedError:
    message = f"Could not verify the copy source: {why}."
    return RefusedError(403, "CannotVerifyCopySource", message)
