"""Sources for the stores that write bytes one after another."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployer.ports import Source
from deployer.transfer import Limits, open_source

__all__ = ["opened"]


@contextmanager
def opened(source: Path | Source) -> Iterator[Source]:
    """Yield the source, or the file that a path names."""
    if not isinstance(source, Path):
        yield source
        return
    with open_source(source, Limits().budget) as file:
        yield file
