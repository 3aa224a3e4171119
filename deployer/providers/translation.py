"""Building our errors from a vendor's: one line, cut, free of headers and bodies."""

import ssl
from collections.abc import Mapping
from http import HTTPStatus

from deployer.errors import (
    DeployerError,
    ProviderError,
    SetupError,
    TransientError,
)

__all__ = [
    "Kind",
    "bucket_of",
    "build_error",
    "class_of",
    "cut_text",
    "find_lister",
    "is_distrust",
    "list_classes",
    "list_codes",
    "seconds_of",
]

Kind = type[DeployerError]

_LIMIT = 240
_UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
_TRUST = (
    "Name the file with its authority's certificate: AWS_CA_BUNDLE for S3, REQUESTS_CA_BUNDLE for "
    "Cloud Storage and Azure."
)
_PROXY = (
    "Name it with one, HTTP_PROXY=http://USER:PASSWORD@HOST:PORT, or list the service's host in "
    "NO_PROXY."
)


def cut_text(text: object, limit: int = _LIMIT) -> str:
    """Return ``text`` as one line of at most ``limit`` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def is_distrust(error: BaseException | None) -> bool:
    """Say whether an error goes back to a certificate that this machine does not trust."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def bucket_of(resource: str) -> str:
    """Return the bucket or container in a store's or an object's URL."""
    return resource.rpartition("://")[2].partition("/")[0]


def find_lister(operation: str, resource: str, listers: Mapping[str, str]) -> str | None:
    """Return what it takes to list a bucket, for who is denied that; None for other operations.

    Args:
        listers: The permissions by operation: nothing else is missing where the rest works.
    """
    permission = listers.get(operation)
    return f"{permission} on {bucket_of(resource)}" if permission else None


def list_classes(module: str, kind: Kind, names: str) -> dict[str, Kind]:
    """Return the rows of a table for `class_of`: these classes of an SDK's module are ``kind``."""
    return {f"{module}.{name}": kind for name in names.split()}


def list_codes(kind: Kind, names: str) -> dict[str, Kind]:
    """Return the rows of a table of a service's error codes: these are ``kind``."""
    return dict.fromkeys(names.split(), kind)


def class_of(error: BaseException, table: Mapping[str, Kind]) -> Kind | None:
    """Return the table's class for the error's own class or its nearest ancestor named there.

    Keys are ``module.Class``.
    """
    for kind in type(error).__mro__:
        found = table.get(f"{kind.__module__}.{kind.__qualname__}")
        if found is not None:
            return found
    return None


def build_error(
    kind: Kind,
    why: str,
    *,
    operation: str,
    resource: str,
    hint: str | None = None,
    retry_after_seconds: float | None = None,
    status: int = 0,
) -> DeployerError:
    """Return an error of ``kind`` that says which operation on what failed, and why.

    Args:
        status: The answer's. No service says 407 (RFC 9110, section 15.5.8): over plain HTTP, where
            a proxy's refusal comes as the service's own would, that is the proxy.
    """
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return SetupError(f"cannot {operation} {resource}: the proxy asks for a login", hint=_PROXY)
    message = f"cannot {operation} {resource}: {cut_text(why)}"
    if issubclass(kind, SetupError) and _UNTRUSTED in why:
        hint = _TRUST
    if issubclass(kind, TransientError):
        return kind(
            message,
            operation=operation,
            resource=resource,
            hint=hint,
            retry_after_seconds=retry_after_seconds,
        )
    if issubclass(kind, ProviderError):
        return kind(message, operation=operation, resource=resource, hint=hint)
    return kind(message, hint=hint)


def seconds_of(retry_after: str | None) -> float | None:
    """Read a ``Retry-After`` header in its seconds form (RFC 9110, 10.2.3); None for any other."""
    if retry_after is None or not retry_after.strip().isdigit():
        return None
    return float(retry_after)
