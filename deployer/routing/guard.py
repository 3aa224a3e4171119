"""Who is let in, how often, and what pages of other origins are told."""

import math
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from deployer.errors import StateError
from deployer.release.steering import GuardRecord, RateRecord
from deployer.routing.callers import Caller, KeyRing, TokenReader
from deployer.routing.cors import describe_origin, describe_preflight, is_preflight
from deployer.routing.door_counts import DoorCounts, Turned
from deployer.routing.fields import drop_lines, find_field
from deployer.routing.local_answer import Page
from deployer.routing.messages import Document, RequestHead, json_document, origin_form
from deployer.routing.token_bucket import Buckets

__all__ = ["Admitted", "Guard"]

_BEARER = b"bearer "


class Admitted(NamedTuple):
    """One who is let in: who that is, and what the answer says to a browser."""

    caller: str
    fields: Mapping[str, str]


class Guard:
    """Looks at each request before anything else is done with it.

    Args:
        buckets: Kept when the settings change, so that nobody begins with a full one again.
        counts: Where those are counted that are turned away.

    Raises:
        SetupError: Tokens are asked for, and what reads them is not installed.
        StateError: A key, a public key or a rate is none.
    """

    def __init__(self, record: GuardRecord, buckets: Buckets, counts: DoorCounts) -> None:
        self._record = record
        self._buckets = buckets
        self._counts = counts
        self._header = record.header.lower().encode()
        self._keys = KeyRing(record.keys)
        self._tokens = TokenReader(record.tokens) if record.tokens is not None else None
        _check_rates([record.rate, *(key.rate for key in record.keys)])
        self._closed = bool(record.keys) or record.tokens is not None

    def admit(self, head: RequestHead, peer: bytes, now: float) -> Admitted | Page:
        """Return who asks, or what the request is answered instead.

        What let them in is taken out of the head: it is no business of the backend's.
        """
        cors = self._record.cors
        fields = describe_origin(cors, head) if cors is not None else {}
        if cors is not None and is_preflight(head):
            return self._answer_preflight(describe_preflight(cors, head))
        caller = self._identify(head, now)
        if isinstance(caller, Turned):
            return self._turn_away(caller, fields)
        rate = self._rate_of(caller)
        name = caller.name if caller is not None else f"address {peer.decode('ascii', 'replace')}"
        wait = self._buckets.take(name, rate, now) if rate is not None else 0.0
        if wait:
            return self._turn_away(Turned.RATE, {**fields, "Retry-After": str(math.ceil(wait))})
        return Admitted(name, fields)

    def _identify(self, head: RequestHead, now: float) -> Caller | Turned | None:
        """Return who asks; None where nobody needs to say."""
        if not self._closed:
            return None
        path = origin_form(head.target).partition(b"?")[0].decode("ascii", "replace")
        key, bearer = find_field(head, self._header), _bearer(head)
        self._conceal(head, bearer=bearer is not None)
        if _is_below(path, self._record.public):
            return None
        if key is not None and self._record.keys:
            caller = self._keys.find(key)
        elif bearer is not None and self._tokens is not None:
            caller = self._tokens.read(bearer.decode("ascii", "replace"), now)
        else:
            return Turned.ANONYMOUS
        if caller is None:
            return Turned.UNKNOWN
        paths = caller.key.paths if caller.key is not None else ()
        return caller if not paths or _is_below(path, paths) else Turned.PATH

    def _conceal(self, head: RequestHead, *, bearer: bool) -> None:
        secret = [self._header] if self._record.keys else []
        if bearer and self._tokens is not None:
            secret.append(b"authorization")
        names = tuple(name + b":" for name in secret)
        head.lines = drop_lines(head.lines, names)

    def _rate_of(self, caller: Caller | None) -> RateRecord | None:
        own = caller.key.rate if caller is not None and caller.key is not None else None
        return own or self._record.rate

    def _answer_preflight(self, fields: Mapping[str, str] | None) -> Page:
        if fields is None:
            return self._turn_away(Turned.ORIGIN, {"Vary": "Origin"})
        return lambda: (HTTPStatus.OK, Document(b"", "text/plain", fields))

    def _turn_away(self, why: Turned, fields: Mapping[str, str]) -> Page:
        self._counts.turn_away(why)
        more = {"WWW-Authenticate": self._challenge()} if _STATUSES[why] == _UNAUTHORIZED else {}
        page = json_document({"error": self._say(why)}, {**fields, **more})
        return lambda: (_STATUSES[why], page)

    def _say(self, why: Turned) -> str:
        ways = [f"an API key in {self._record.header}"] if self._record.keys else []
        ways += ["a token in Authorization: Bearer"] if self._tokens is not None else []
        return f"{why}; a request here needs {' or '.join(ways)}" if why in _CLOSED else str(why)

    def _challenge(self) -> str:
        return "Bearer" if self._tokens is not None else "ApiKey"


_UNAUTHORIZED = int(HTTPStatus.UNAUTHORIZED)
_CLOSED = {Turned.ANONYMOUS, Turned.UNKNOWN}
_STATUSES: Mapping[Turned, int] = {
    Turned.ANONYMOUS: _UNAUTHORIZED,
    Turned.UNKNOWN: _UNAUTHORIZED,
    Turned.PATH: int(HTTPStatus.FORBIDDEN),
    Turned.RATE: int(HTTPStatus.TOO_MANY_REQUESTS),
    Turned.ORIGIN: int(HTTPStatus.FORBIDDEN),
}


def _check_rates(rates: Iterable[RateRecord | None]) -> None:
    for rate in rates:
        if rate is not None and not (0 < rate.per_second < math.inf and rate.burst > 0):
            raise StateError(
                f"the routes' rate of {rate.per_second:g} a second, {rate.burst} at once, is none",
                hint="Mend routing.guard in the spec, and deploy.",
            )


def _bearer(head: RequestHead) -> bytes | None:
    value = find_field(head, b"authorization")
    given = value is not None and value[: len(_BEARER)].lower() == _BEARER
    return value[len(_BEARER) :].strip() if value is not None and given else None


def _is_below(path: str, prefixes: tuple[str, ...]) -> bool:
    """Tell whether a path is below one of these, however a backend may read it.

    One with dots, escapes or doubled slashes is not: it could lead anywhere (RFC 3986, 6.2.2).
    """
    if ".." in path or "%" in path or "//" in path or "\\" in path or "/./" in path:
        return False
    return any(path == p or path.startswith(p.rstrip("/") + "/") for p in prefixes)
