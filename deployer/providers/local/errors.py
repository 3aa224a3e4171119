"""What the file system says, in our words."""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from deployer.errors import (
    AccessDeniedError,
    DeployerError,
    NotFoundError,
    ProviderError,
    QuotaError,
    SourceError,
    TransientError,
)
from deployer.providers.translation import build_error

__all__ = ["ERRNOS", "translated"]

ERRNOS: Mapping[int, type[DeployerError]] = {
    errno.ENOENT: NotFoundError,
    errno.EACCES: AccessDeniedError,
    errno.EPERM: AccessDeniedError,
    errno.EROFS: AccessDeniedError,
    errno.ENOSPC: QuotaError,
    errno.EDQUOT: QuotaError,
    errno.EMFILE: QuotaError,
    errno.ENFILE: QuotaError,
    errno.EIO: TransientError,
    errno.ESTALE: TransientError,
    errno.ETIMEDOUT: TransientError,
    errno.ENOLCK: TransientError,
    errno.ENAMETOOLONG: SourceError,
    errno.ENOTDIR: SourceError,
    errno.EISDIR: SourceError,
    errno.ENOTEMPTY: SourceError,
}
"""By error number; anything else is a plain `ProviderError`."""


@contextmanager
def translated(operation: str, resource: str) -> Iterator[None]:
    """Raise what the system raises inside as one of our errors."""
    try:
        yield
    except OSError as error:
        kind = ERRNOS.get(error.errno or 0, ProviderError)
        why = error.strerror or type(error).__name__
        raise build_error(kind, why, operation=operation, resource=resource) from error
