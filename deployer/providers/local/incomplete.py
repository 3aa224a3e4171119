"""Unfinished uploads in memory, for tests: the contract, over a list of one's own."""

from collections.abc import Iterator

from deployer.ports.incomplete import IncompleteUpload

__all__ = ["MemoryUploads"]


class MemoryUploads:
    """See `IncompleteUploads`. ``uploads`` is what is unfinished; tests add to it."""

    def __init__(self, *uploads: IncompleteUpload) -> None:
        self.uploads = list(uploads)

    def list(self, prefix: str = "") -> Iterator[IncompleteUpload]:
        """See `IncompleteUploads.list`."""
        return iter([one for one in self.uploads if one.key.startswith(prefix)])

    def abort(self, upload: IncompleteUpload) -> None:
        """See `IncompleteUploads.abort`."""
        if upload in self.uploads:
            self.uploads.remove(upload)
