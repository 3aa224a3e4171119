"""A file on its way to a store: read once in order, digested, watched for changes."""

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from deployer.checksums import Hasher
from deployer.errors import SourceError

__all__ = ["SourceFile"]


class SourceFile:
    """A file opened for upload.

    Readable and seekable, as the SDKs want it. Every byte is digested and counted as progress the
    first time it is read; reading it again, for a retry, does neither.
    """

    def __init__(
        self, path: Path, hasher: Hasher, *, progress: Callable[[int], None] | None = None
    ) -> None:
        self.path = path
        self._hasher = hasher
        self._progress = progress or (lambda _count: None)
        self._file = _open(path)
        self._identity = _identity(os.fstat(self._file.fileno()))
        self._furthest = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        """The size in bytes when it was opened."""
        return self._identity[0]

    @property
    def hexdigest(self) -> str:
        """The digest of all that was read, in lower-case hex."""
        return self._hasher.digest().hex()

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes from here; none beyond the size it had when opened.

        A file that is being appended to would otherwise never end.
        """
        at = self._file.tell()
        left = max(0, self.size - at)
        data = self._file.read(left if size < 0 else min(size, left))
        new = data[max(0, self._furthest - at) :]
        if new:
            self._hasher.update(new)
            self._furthest = at + len(data)
            self._progress(len(new))
        return data

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move; only ever back, so that nothing is left undigested."""
        return self._file.seek(offset, whence)

    def check_unchanged(self) -> None:
        """Make sure that all of it was read and that the file is still the one that was opened.

        Raises:
            SourceError: It changed, was replaced, or vanished.
        """
        try:
            now = _identity(self.path.stat())
        except OSError as error:
            raise SourceError(f"{self.path} vanished while it was read") from error
        if now != self._identity or self._furthest != self.size:
            raise SourceError(
                f"{self.path} changed while it was read",
                hint="Wait until whatever writes it is done, then push again.",
            )


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino
