"""Where a store is: bucket and prefix, read from the URL a user writes."""

import re
from dataclasses import dataclass

from deployer.errors import SetupError

__all__ = ["Location", "parse_location"]

_URL = re.compile(r"(?P<scheme>[a-z0-9]+)://(?P<bucket>[^/?#]+)(?:/(?P<prefix>[^?#]*))?")


@dataclass(frozen=True, slots=True)
class Location:
    """A bucket (Azure: a container) and the prefix within it that all keys of a store share."""

    scheme: str
    bucket: str
    prefix: str

    @property
    def url(self) -> str:
        """The location as a user writes it; no trailing slash."""
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")

    def full_key(self, key: str) -> str:
        """Return the bucket's name of ``key``."""
        return f"{self.prefix}/{key}" if self.prefix else key

    def short_key(self, full: str) -> str:
        """Return the store's name of the bucket's key ``full``."""
        return full[len(self.prefix) + 1 :] if self.prefix else full

    def describe(self, key: str = "") -> str:
        """Return what an error message calls ``key``; the location itself when it is empty."""
        return f"{self.url}/{key}" if key else self.url


def parse_location(url: str, *, scheme: str) -> Location:
    """Read ``scheme://bucket[/prefix]``; slashes around the prefix do not matter.

    Raises:
        SetupError: The URL is not of that form.
    """
    match = _URL.fullmatch(url)
    if match is None or match["scheme"] != scheme:
        raise SetupError(
            f"{url!r} is not the address of a store",
            hint=f"Write {scheme}://BUCKET or {scheme}://BUCKET/PREFIX.",
        )
    return Location(scheme, match["bucket"], (match["prefix"] or "").strip("/"))
