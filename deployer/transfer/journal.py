"""What of a half-done file is on the disk: a line per range, beside it. Holds no secret."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["RangeJournal", "discard_staged", "has_journal"]

_SUFFIX = ".ranges"


class RangeJournal:
    """The ranges that were written, by number from 0, each with its CRC-64 in hex.

    The first line says of what: size, length of a range, version in the store. A line is appended
    in one write after its range is in the file; one that was cut off, and what follows it, does not
    count. Safe to use from many threads.
    """

    def __init__(self, path: Path, size: int, length: int) -> None:
        self._head = {"size": size, "length": length}
        self.version = ""
        self.done: dict[int, str] = {}
        self._load(path)
        if not self.version:
            path.unlink(missing_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    @classmethod
    def open(cls, staged: Path, size: int, length: int) -> Self:
        """Return the journal of the half-done file ``staged``; one about another object is new."""
        return cls(_path_of(staged), size, length)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def pin(self, version: str) -> None:
        """Begin: all ranges are of this version."""
        self.version = version
        self._append({**self._head, "version": version})

    def add(self, number: int, crc64: str) -> None:
        """Note that a range is in the file."""
        self._append([number, crc64])

    def _append(self, entry: object) -> None:
        os.write(self._file, json.dumps(entry).encode() + b"\n")

    def _load(self, path: Path) -> None:
        try:
            lines = path.read_bytes().split(b"\n")[:-1]
            entries = [json.loads(line) for line in lines]
        except (OSError, ValueError):
            return
        if not entries or {**entries[0], "version": ""} != {**self._head, "version": ""}:
            return
        self.version = entries[0]["version"]
        self.done = dict(entries[1:])


def has_journal(staged: Path) -> bool:
    """Whether ``staged`` is a half-done file that can be gone on with."""
    return _path_of(staged).exists()


def discard_staged(staged: Path) -> None:
    """Remove a staged file and its journal, whichever of them are there."""
    staged.unlink(missing_ok=True)
    _path_of(staged).unlink(missing_ok=True)


def _path_of(staged: Path) -> Path:
    return staged.with_name(staged.name + _SUFFIX)
