"""The layout of Hugging Face's cache: a repository's snapshots are links into its blobs.

``models--ORG--NAME/{blobs/<hash>, refs/<branch>, snapshots/<commit>/<file>}``, by the
huggingface_hub guide "Understand caching".
"""

from pathlib import Path

from deployer.errors import SourceError

__all__ = ["find_snapshot", "root_of_links"]

_REPOSITORIES = ("models--", "datasets--", "spaces--")


def find_snapshot(path: Path) -> Path:
    """Return the snapshot that a repository's ``main`` points to; any other path as it is.

    Raises:
        SourceError: It is a repository in the cache, and no snapshot of ``main`` is there.
    """
    if not path.name.startswith(_REPOSITORIES) or not (path / "snapshots").is_dir():
        return path
    try:
        commit = (path / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        commit = ""
    snapshot = path / "snapshots" / commit
    if not commit or not snapshot.is_dir():
        raise SourceError(
            f"{path} has no snapshot of main",
            hint=f"Name one of the folders in {path / 'snapshots'}.",
        )
    return snapshot


def root_of_links(folder: Path) -> Path:
    """Return the folder that links inside ``folder`` may lead into: itself, or its repository."""
    repository = folder.parent.parent
    if folder.parent.name == "snapshots" and repository.name.startswith(_REPOSITORIES):
        return repository
    return folder
