"""If-Match and If-None-Match, as S3 judges them."""

from dataclasses import dataclass

from deployer.sandbox.loopback import Request
from deployer.sandbox.s3.refusal import RefusedError

__all__ = ["Conditions"]

_REFUSED = ("If-Modified-Since", "If-Unmodified-Since")


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of one request; empty is "do not care". ETags are without quotes."""

    if_match: str = ""
    if_none_match: str = ""

    @classmethod
    def of(cls, request: Request, prefix: str = "") -> "Conditions":
        """Read the headers, of a copy's source with ``x-amz-copy-source-`` before their names."""
        for name in _REFUSED:
            if request.header(prefix + name):
                raise RefusedError(501, "NotImplemented", f"{name} is not stood in for")
        wanted = (request.header(f"{prefix}{name}") or "" for name in ("If-Match", "If-None-Match"))
        return cls(*(etag.strip('"') for etag in wanted))

    def check_write(self, etag: str | None) -> None:
        """Refuse unless all hold of the object with ``etag``; None is "no object"."""
        if self.if_none_match not in ("", "*"):
            message = "A header you provided implies functionality that is not implemented."
            raise RefusedError(501, "NotImplemented", message)
        if self.if_none_match and etag is not None:
            raise _not_met("If-None-Match")
        if self.if_match and etag is None:
            raise RefusedError(404, "NoSuchKey", "The specified key does not exist.")
        self._check_match(etag)

    def check_read(self, etag: str) -> None:
        """Refuse with 412, or with 304 when the client has this one already."""
        self._check_match(etag)
        if self.if_none_match in ("*", etag):
            raise RefusedError(304, "NotModified", "Not Modified")

    def _check_match(self, etag: str | None) -> None:
        if self.if_match and self.if_match not in ("*", etag):
            raise _not_met("If-Match")


def _not_met(name: str) -> RefusedError:
    message = "At least one of the pre-conditions you specified did not hold"
    return RefusedError(412, "PreconditionFailed", message, Condition=name)
