"""How to reach an API server, as one cloud says it and the cluster adapter takes it.

The clouds' adapters make a `Connection`, the Kubernetes adapter uses one, and neither knows the
other: `deployer.wiring` hands it over.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deployer.errors import TransientError
from deployer.ports import Clock

__all__ = ["REFRESH_SECONDS", "Connection", "Token", "TokenCache", "TokenSource"]

REFRESH_SECONDS = 60.0
"""A token is renewed so long before it expires: more than any clock's skew and any request."""


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and when it expires; None when nobody said. Never shown in a repr."""

    value: str = field(repr=False)
    expires: datetime | None = None


TokenSource = Callable[[], Token]
"""Makes a new token; may take seconds and raises `SetupError`, `AccessDeniedError`, ….

It is called again before each expiry, in the middle of a run too.
"""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where an API server is, whom to trust as such, and what to say who we are.

    Attributes:
        server: ``https://host[:port]``.
        authority: The cluster's own CA in PEM; None trusts what the machine trusts.
    """

    server: str
    authority: str | None
    tokens: TokenSource = field(repr=False)


class TokenCache:
    """Keeps a token until shortly before it expires. Safe to use from many threads.

    One thread renews while the others wait for it; when renewing fails for a passing reason, a
    token that is still valid is used on.
    """

    def __init__(self, tokens: TokenSource, clock: Clock) -> None:
        self._tokens, self._clock = tokens, clock
        self._lock = threading.Lock()
        self._token: Token | None = None

    def __call__(self) -> str:
        """Return a token that is valid now."""
        with self._lock:
            if self._token is None or self._expires_within(self._token, REFRESH_SECONDS):
                self._token = self._renew(self._token)
            return self._token.value

    def _renew(self, old: Token | None) -> Token:
        try:
            return self._tokens()
        except TransientError:
            if old is None or self._expires_within(old, 0.0):
                raise
            return old

    def _expires_within(self, token: Token, seconds: float) -> bool:
        if token.expires is None:
            return False
        return token.expires - self._clock.now() <= timedelta(seconds=seconds)
