"""Progress on a terminal; silence where nobody looks."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from deployer.cli.output import is_terminal

__all__ = ["show_bytes"]


@contextmanager
def show_bytes(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield what to tell bytes as they are done; may be told from many threads.

    Draws a bar on stderr when that is a terminal; otherwise nothing.
    """
    if not is_terminal():
        yield lambda _count: None
        return
    lock = threading.Lock()
    with typer.progressbar(length=total, label=label, file=sys.stderr) as bar:

        def advance(count: int) -> None:
            with lock:
                bar.update(count)

        yield advance
