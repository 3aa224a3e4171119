"""File names for keys, and keys for file names: every key has one name, and back."""

from urllib.parse import quote, unquote

__all__ = ["OWN", "key_of", "name_of"]

OWN = ".deployer-store"
"""The store's own directory; no key maps into it."""

_SAFE = " !#$&'()+,;=@[]{}^`~"
_EMPTY = "%"


def name_of(key: str) -> str:
    """Return the relative path of ``key``: each part percent-encoded where a file can't be so."""
    return "/".join(_encode(part) for part in key.split("/"))


def key_of(name: str) -> str:
    """Return the key whose path is ``name``."""
    return "/".join("" if part == _EMPTY else unquote(part) for part in name.split("/"))


def _encode(part: str) -> str:
    if not part:
        return _EMPTY
    if part in {".", "..", OWN}:
        return "%2E" + part[1:]
    return quote(part, safe=_SAFE)
