"""What routers are told beside where the backends are, as recorded with a release.

Hashes of keys and public keys only: no record holds a secret.
"""

from typing import Literal

from deployer.release.record import Record
from deployer.values import Json

__all__ = [
    "CheckRecord",
    "CorsRecord",
    "GuardRecord",
    "KeyRecord",
    "MatchRecord",
    "RateRecord",
    "RegionRecord",
    "TokensRecord",
]


class RegionRecord(Record):
    """What tells where a request comes from.

    Attributes:
        header: The field that names a region; none when empty.
        default: The region of requests that name none, or none that is known.
    """

    header: str = ""
    default: str = ""


class MatchRecord(Record):
    """Requests with a field of this value go to these targets, or to this side of a canary.

    Attributes:
        targets: All when empty.
        release: ``canary`` is the newest of a target's releases, ``stable`` any other.
    """

    header: str
    value: str
    targets: tuple[str, ...] = ()
    release: Literal["any", "canary", "stable"] = "any"


class CheckRecord(Record):
    """What an answer of status 2xx must be like, or it counts as a failure of its backend.

    Attributes:
        status: The statuses that are right; any 2xx when empty.
        pointer: A place in its JSON that must be there (RFC 6901).
        pattern: A regular expression that its text must match somewhere.
        absent: One that it must not match.
        first_bytes: How much of the answer is looked at.
    """

    status: tuple[int, ...] = ()
    pointer: str | None = None
    pattern: str | None = None
    absent: str | None = None
    first_bytes: int = 16 * 1024


class RateRecord(Record):
    """A token bucket: so many requests a second for long, and so many at once."""

    per_second: float
    burst: int


class KeyRecord(Record):
    """An API key: whose it is, the SHA-256 of it in hexadecimal, and the paths that it is for."""

    name: str
    sha256: str
    rate: RateRecord | None = None
    paths: tuple[str, ...] = ()


class TokensRecord(Record):
    """Which JSON Web Tokens are accepted: signed by one of these public keys, by one algorithm.

    Attributes:
        keys: A JWK Set (RFC 7517) of public keys.
    """

    keys: Json
    algorithm: str
    issuer: str = ""
    audience: str = ""
    leeway_seconds: float = 30.0


class CorsRecord(Record):
    """Which pages of other origins may ask, from within a browser."""

    origins: tuple[str, ...]
    methods: tuple[str, ...] = ("GET", "POST")
    headers: tuple[str, ...] = ("Content-Type", "Authorization", "X-API-Key")
    max_age_seconds: int = 600


class GuardRecord(Record):
    """Who may ask, and how often.

    Attributes:
        public: Paths that begin with one of these need no key and no token.
        rate: Of each caller whose key says no other; of each address where nobody needs a key.
    """

    header: str = "X-API-Key"
    keys: tuple[KeyRecord, ...] = ()
    tokens: TokensRecord | None = None
    rate: RateRecord | None = None
    cors: CorsRecord | None = None
    public: tuple[str, ...] = ()
