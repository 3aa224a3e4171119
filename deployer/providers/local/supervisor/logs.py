"""Container logs: plain files, bounded."""

import os
import shutil
from pathlib import Path

__all__ = ["MAX_BYTES", "read_end", "rotate"]

MAX_BYTES = 10 << 20
"""A log is rotated at this size, as the kubelet does by default (containerLogMaxSize)."""

_TAIL_BYTES = 64 << 10


def rotate(log: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """Copy a log that has grown too long to ``<log>.1`` and cut it off.

    The process keeps writing to the same file (it appends), so nothing has to be told to it; lines
    written between copy and cut are lost, as with logrotate's ``copytruncate``.
    """
    try:
        if log.stat().st_size <= max_bytes:
            return
    except FileNotFoundError:
        return
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)


def read_end(log: Path, lines: int) -> str:
    """Return the last lines; at most 64 KiB of them. Empty when there are none."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
