"""Making what was written survive a power cut."""

import ctypes
import os
from pathlib import Path

__all__ = ["sync_file_system", "sync_folder"]


def sync_file_system(folder: Path) -> None:
    """Bring to the disk all that was written to the file system that ``folder`` is on.

    Linux's ``syncfs`` (man 2 syncfs): one wait for many files, where ``fsync`` waits for each.

    Raises:
        OSError: Something could not be written: the disk is full or broken.
    """
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(number):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(number)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk: a rename, that is."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
