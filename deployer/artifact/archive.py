"""Unpacking a model that comes as one file: tar (gz, bz2, xz) or zip, streamed, nothing trusted."""

import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deployer.artifact.keys import check_paths
from deployer.errors import SourceError

__all__ = ["is_archive", "unpack_archive"]

_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ZIPS = (".zip",)
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError)


def is_archive(name: str) -> bool:
    """Say whether a file of this name is unpacked. Formats that are zips inside are not."""
    return name.lower().endswith(_TARS + _ZIPS)


def unpack_archive(path: Path, dest: Path) -> None:
    """Write the files of an archive under the folder ``dest``, which is empty.

    Only files and folders: links and devices are refused, and so is every name that would lead out
    of ``dest``, that a store can't hold, or that is there twice. Owners, times and permissions are
    not taken over.

    Raises:
        SourceError: It is no archive, is damaged or encrypted, or holds what is refused.
    """
    members = _read_zip(path) if path.name.lower().endswith(_ZIPS) else _read_tar(path)
    seen: set[str] = set()
    with _damage_named(path):
        for name, content in members:
            clean = name.removeprefix("./")
            check_paths([clean])
            if clean in seen:
                raise SourceError(f"{path} holds {clean!r} twice")
            seen.add(clean)
            _write(dest / clean, content)
        check_paths(seen)


def _read_tar(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|*") as archive:
        for member in archive:
            if member.isdir():
                continue
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                raise SourceError(f"{path}: {member.name!r} is neither a file nor a folder")
            yield member.name, content


def _read_zip(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            kind = member.external_attr >> 16 & 0o170000
            if member.is_dir():
                continue
            if kind not in (0, 0o100000):
                raise SourceError(f"{path}: {member.filename!r} is neither a file nor a folder")
            if member.flag_bits & 1:
                raise SourceError(f"{path} is encrypted", hint="Unpack it yourself.")
            with archive.open(member) as content:
                yield member.filename, content


def _write(path: Path, content: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        shutil.copyfileobj(content, file, 1 << 20)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise SourceError(f"{path} cannot be unpacked: {error}") from error
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise SourceError(f"{path} cannot be unpacked: {why}") from error
