"""If-Match and If-None-Match, as the Blob service judges them."""

from dataclasses import dataclass

from deployer.sandbox.blob.refusal import RefusedError
from deployer.sandbox.loopback import Request

__all__ = ["Conditions"]

_REFUSED = ("If-Modified-Since", "If-Unmodified-Since", "x-ms-if-tags")


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of one request; empty is "do not care". ETags carry their quotes."""

    if_match: str = ""
    if_none_match: str = ""

    @classmethod
    def of(cls, request: Request) -> "Conditions":
        """Read the headers; refuses conditions that would be ignored."""
        for name in _REFUSED:
            if request.header(name):
                raise RefusedError(400, "UnsupportedHeader", f"{name} is not stood in for")
        return cls(request.header("If-Match") or "", request.header("If-None-Match") or "")

    def check_write(self, etag: str | None) -> None:
        """Refuse unless all hold of the blob with ``etag``; None is "no blob"."""
        self._check_match(etag)
        if self.if_none_match == "*" and etag is not None:
            raise RefusedError(409, "BlobAlreadyExists", "The specified blob already exists.")
        if etag is not None and self.if_none_match == etag:
            raise _not_met(412)

    def check_read(self, etag: str) -> None:
        """Refuse with 412, or with 304 when the client has this one already."""
        self._check_match(etag)
        if self.if_none_match in ("*", etag):
            raise _not_met(304)

    def _check_match(self, etag: str | None) -> None:
        if self.if_match and (etag is None or self.if_match not in ("*", etag)):
            raise _not_met(412)


def _not_met(status: int) -> RefusedError:
    message = "The condition specified using HTTP conditional header(s) is not met."
    return RefusedError(status, "ConditionNotMet", message)
