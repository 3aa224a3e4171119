"""Uploads that were begun and never finished: invisible, and billed until somebody drops them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

__all__ = ["IncompleteUpload", "IncompleteUploads"]


@dataclass(frozen=True, slots=True)
class IncompleteUpload:
    """One upload, by what it is to become.

    Attributes:
        key: Relative to the store's prefix.
        id: The store's name of the upload; empty where a key has at most one.
        begun: By the store's clock; None where the store does not say.
    """

    key: str
    id: str
    begun: datetime | None


class IncompleteUploads(Protocol):
    """The unfinished uploads of one store; its errors are `ObjectStore`'s."""

    def list(self, prefix: str = "") -> Iterator[IncompleteUpload]:
        """Yield every upload whose key starts with ``prefix``."""
        ...

    def abort(self, upload: IncompleteUpload) -> None:
        """Drop an upload with its parts; succeeds when it is finished or gone."""
        ...
