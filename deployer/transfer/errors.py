"""What is wrong with a file that is being sent, in our words."""

from pathlib import Path

from deployer.errors import SourceError

__all__ = ["changed", "unreadable"]


def changed(path: Path, when: str) -> SourceError:
    """Return the error of a file that is not, or not any more, what it is to be."""
    return SourceError(
        f"{path} changed {when}",
        hint="Wait until whatever writes it is done, then push again.",
    )


def unreadable(path: Path, error: OSError) -> SourceError:
    """Return the error of a file that the system does not give."""
    return SourceError(f"cannot read {path}: {error.strerror}")
