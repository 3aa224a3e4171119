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

__all__ = ["Caller", "TokenReader", "find_key"]

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may ask.

    Attributes:
        name: The key's name, or the token's subject with its issuer.
        key: The key that let them in; None when it was a token.
    """

    name: str
    key: KeyRecord | None = None


def find_key(keys: Sequence[KeyRecord], given: bytes) -> Caller | None:
    """Return whose key it is. All are compared, in a time that tells nothing of which is near."""
    digest = hashlib.sha256(given).hexdigest()
    found = [key for key in keys if hmac.compare_digest(key.sha256, digest)]
    return Caller(f"key {found[0].name}", found[0]) if found else None


class TokenReader:
    """Reads tokens by the public keys that a guard names.

    The algorithm is the guard's: what a token says of itself decides nothing but which key is
    tried (RFC 8725, 3.1).

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
        except jwt.PyJWTError as error:
            raise StateError(
                f"the routes' public keys are of no use for {record.algorithm}: {error}",
                hint="Mend routing.guard.tokens.jwks, and deploy.",
            ) from error
        self._keys = {key.key_id: key for key in keys}

    def read(self, token: str) -> Caller | None:
        """Return whose token it is; None when it is not valid now, for whatever reason."""
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
