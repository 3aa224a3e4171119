"""What a `DirectoryStore` knows of a file beside its bytes."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from deployer.ports import ObjectInfo
from deployer.providers.local.names import name_of
from deployer.providers.transfer import CHUNK

__all__ = ["About", "describe_file", "drop_about", "write_about"]


@dataclass(frozen=True, slots=True)
class About:
    """Facts of one data file as it was when they were written down.

    They count only while the file has this inode and this time: a crash between writing them and
    renaming the file, or a change by hand, makes them void, never wrong.
    """

    inode: int
    mtime_ns: int
    size: int
    sha256: str
    metadata: Mapping[str, str]

    @classmethod
    def of(cls, file: IO[bytes], metadata: Mapping[str, str]) -> "About":
        """Read an open file and return what is to be known of it."""
        file.seek(0)
        digest = hashlib.sha256()
        while chunk := file.read(CHUNK):
            digest.update(chunk)
        status = os.fstat(file.fileno())
        lowered = {name.lower(): value for name, value in metadata.items()}
        return cls(status.st_ino, status.st_mtime_ns, status.st_size, digest.hexdigest(), lowered)

    def info(self, key: str) -> ObjectInfo:
        """Return the port's view of it."""
        return ObjectInfo(
            key,
            self.size,
            f"{self.inode:x}-{self.mtime_ns:x}-{self.sha256[:16]}",
            checksums={"sha256": self.sha256},
            metadata=self.metadata,
            modified=datetime.fromtimestamp(self.mtime_ns / 1e9, UTC),
        )


def describe_file(own: Path, key: str, file: IO[bytes]) -> ObjectInfo:
    """Return the info of an open file, from what was written down or else from its bytes.

    The position of ``file`` is its start afterwards.
    """
    about = _find_about(own, key, os.fstat(file.fileno())) or About.of(file, {})
    file.seek(0)
    return about.info(key)


def write_about(own: Path, key: str, about: About) -> None:
    """Write down the facts of a file that is about to take the place of ``key``.

    Those of the file it replaces are kept until the next write: it is still in place now.
    """
    folder = _folder(own, key)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _name(about.inode, about.mtime_ns)
    for old in sorted(folder.iterdir(), key=lambda found: found.stat().st_mtime_ns)[:-1]:
        old.unlink()
    path.write_text(json.dumps({"sha256": about.sha256, "metadata": dict(about.metadata)}))


def drop_about(own: Path, key: str) -> None:
    """Forget what was written down of ``key``."""
    folder = _folder(own, key)
    if folder.is_dir():
        for old in folder.iterdir():
            old.unlink()
        folder.rmdir()


def _folder(own: Path, key: str) -> Path:
    return own / "about" / hashlib.sha256(name_of(key).encode()).hexdigest()


def _name(inode: int, mtime_ns: int) -> str:
    return f"{inode:x}-{mtime_ns:x}.json"


def _find_about(own: Path, key: str, status: os.stat_result) -> About | None:
    path = _folder(own, key) / _name(status.st_ino, status.st_mtime_ns)
    try:
        facts = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return About(
        status.st_ino, status.st_mtime_ns, status.st_size, facts["sha256"], facts["metadata"]
    )
