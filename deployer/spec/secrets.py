"""What looks like a credential. A spec is recorded with every release, so none may be in it."""

import re

__all__ = ["is_secret_name", "names_a_secret", "seems_secret"]

_WORDS = {"PASSWORD", "PASSWD", "SECRET", "TOKEN", "KEY", "APIKEY", "CREDENTIAL", "CREDENTIALS"}
_PLAIN = {"PASSWORD", "PASSWD", "SECRET", "APIKEY", "CREDENTIAL", "CREDENTIALS"}
_PAIRS = ("API_KEY", "ACCESS_KEY", "PRIVATE_KEY", "ACCOUNT_KEY", "AUTH_TOKEN", "ACCESS_TOKEN")

_SHAPES = re.compile(
    r"""
      \b(AKIA|ASIA)[0-9A-Z]{16}\b                  # AWS access key ids
    | \bAIza[0-9A-Za-z_-]{35}                      # Google API keys
    | \bya29\.[0-9A-Za-z_-]{20}                    # Google OAuth access tokens
    | \bgh[pousr]_[0-9A-Za-z]{36}                  # GitHub tokens
    | \bhf_[0-9A-Za-z]{30}                         # Hugging Face tokens
    | \bsk-[0-9A-Za-z_-]{20}                       # OpenAI-style keys
    | \bxox[abprs]-[0-9A-Za-z-]{10}                # Slack tokens
    | \beyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8}  # JSON Web Tokens (RFC 7519)
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY              # PEM (RFC 7468)
    | \bAccountKey=[0-9A-Za-z+/=]{20}              # Azure connection strings
    | [?&]sig=[0-9A-Za-z%+/=]{20}                  # Azure shared access signatures
    | ://[^/\s:@]*:[^/\s@]+@                       # a password in a URL (RFC 3986 userinfo)
    """,
    re.VERBOSE,
)


def is_secret_name(name: str) -> bool:
    """Say whether a variable of this name may well hold a secret: no reference goes in."""
    return bool(_WORDS.intersection(re.split(r"[^A-Z]+", name.upper())))


def names_a_secret(name: str) -> bool:
    """Say whether this name can only be a secret's own: ``DB_PASSWORD``, not ``PASSWORD_FILE``."""
    upper = name.upper()
    return re.split(r"[^A-Z]+", upper)[-1] in _PLAIN or upper.endswith(_PAIRS)


def seems_secret(value: str) -> bool:
    """Say whether ``value`` has the shape of a well-known kind of credential."""
    return _SHAPES.search(value) is not None
