"""Who asks: an API key by its hash, or a JSON Web Token by a public key.

Keys and tokens are compared and forgotten: they are in no log, no answer and no message, and are
not passed on to backends.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.errors import SetupError, StateError
from deployer.release.steering import KeyRecord, TokensRecord

if TYPE_CHECKING:
    from jwt import PyJWK

__all__ = ["Caller", "KeyRing", "TokenReader"]

_LONGEST_NAME = 200
_KNOWN_SECONDS = 5.0
"""For how long a token counts as valid that was; less than clocks may differ by (``leeway``)."""

_MOST_KNOWN = 1000


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may ask.

    Attributes:
        name: The key's name, or the token's subject with its issuer.
        key: The key that let them in; None when it was a token.
    """

    name: str
    key: KeyRecord | None = None


class KeyRing:
    """The keys that let somebody in.

    Raises:
        StateError: One has no SHA-256.
    """

    def __init__(self, keys: Sequence[KeyRecord]) -> None:
        self._keys = [(_read_hash(key), Caller(f"key {key.name}", key)) for key in keys]

    def find(self, given: bytes) -> Caller | None:
        """Return whose key it is; all are compared, in a time that does not tell which is near."""
        digest, compare = hashlib.sha256(given).digest(), hmac.compare_digest
        found = [caller for known, caller in self._keys if compare(known, digest)]
        return found[0] if found else None


def _read_hash(key: KeyRecord) -> bytes:
    try:
        digest = bytes.fromhex(key.sha256)
    except ValueError:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise StateError(
            f"the routes' key {key.name} has no SHA-256 of 64 hexadecimal digits",
            hint="Make one with  deployer router key, and deploy.",
        )
    return digest


class TokenReader:
    """Reads tokens by the public keys that a guard names.

    The algorithm is the guard's: what a token says of itself decides nothing but which key is
    tried (RFC 8725, 3.1). One that was valid a moment ago is not checked again: a signature takes
    as long as passing a request on.

    Raises:
        SetupError: The extra ``jwt`` is not installed.
        StateError: The keys are of no use.
    """

    def __init__(self, record: TokensRecord) -> None:
        try:
            import jwt  # noqa: PLC0415 - an extra: only guards with tokens need it
        except ImportError as error:
            raise SetupError(
                "the routes ask for JSON Web Tokens, and PyJWT is not installed",
                hint="pip install 'deployer[jwt]'",
            ) from error
        self._jwt = jwt
        self._record = record
        try:
            keys = [jwt.PyJWK(key, record.algorithm) for key in record.keys]
        except (jwt.PyJWTError, AttributeError, TypeError) as error:  # or no JSON object at all
            raise StateError(
                f"the routes' public keys are of no use for {record.algorithm}: {error}",
                hint="Mend routing.guard.tokens.jwks, and deploy.",
            ) from error
        self._keys = {key.key_id: key for key in keys}
        self._known: dict[bytes, tuple[Caller, float]] = {}

    def read(self, token: str, now: float) -> Caller | None:
        """Return whose token it is; None when it is not valid now, for whatever reason.

        Args:
            now: Monotonic seconds.
        """
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and now < known[1]:
            return known[0]
        caller = self._check(token)
        if caller is not None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[digest] = caller, now + _KNOWN_SECONDS
        return caller

    def _check(self, token: str) -> Caller | None:
        try:
            key = self._find_key(self._jwt.get_unverified_header(token))
            claims = self._decode(token, key) if key is not None else None
        except self._jwt.PyJWTError:
            return None
        if claims is None:
            return None
        name = f"{claims.get('iss', '')} {claims.get('sub', '')}".strip()
        return Caller(f"token {name}"[:_LONGEST_NAME])

    def _find_key(self, header: Mapping[str, Any]) -> "PyJWK | None":
        named = header.get("kid")
        if named is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(named)

    def _decode(self, token: str, key: "PyJWK") -> dict[str, Any]:
        record = self._record
        return self._jwt.decode(
            token,
            key,
            algorithms=[record.algorithm],
            issuer=record.issuer or None,
            audience=record.audience or None,
            leeway=record.leeway_seconds,
            options={"require": ["exp"], "verify_aud": bool(record.audience)},
        )
