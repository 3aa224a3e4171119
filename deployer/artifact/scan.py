"""Scanning: from a file or folder to an `Artifact`, every byte read once."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from deployer.artifact.cache import find_snapshot, root_of_links
from deployer.artifact.keys import check_paths
from deployer.artifact.model import Artifact, ArtifactFile
from deployer.artifact.signature import SIGNATURE
from deployer.errors import SourceError
from deployer.transfer import mark_file

__all__ = ["scan_artifact"]


def scan_artifact(path: Path) -> Artifact:
    """Return what is at ``path``: a folder's content, or one file under its own name.

    Beside a single file, its signature (`SIGNATURE`) is part of the artifact, as a folder's is.
    Symbolic links are followed, as long as they stay inside the folder; those of a snapshot in
    Hugging Face's cache, inside its repository.

    Raises:
        SourceError: There is nothing, or nothing but empty files; something is unreadable, is
            neither file nor folder, leads outside, or changed meanwhile; a store can't hold a name.
    """
    real = find_snapshot(_resolve(path))
    single = real.is_file()
    sources = _single(path, real) if single else dict(_walk(root_of_links(real), real, ""))
    check_paths(sources)
    ordered = sorted(sources.items(), key=lambda item: item[0].encode())
    files = tuple(_scan_file(name, source) for name, source in ordered)
    if not any(file.size for file in files if file.path != SIGNATURE):
        raise SourceError(f"{path} has no model in it: {_describe(len(files))}")
    return Artifact(path.absolute().parent if single else real, files)


def _single(path: Path, real: Path) -> dict[str, Path]:
    """Return a file, and the signature that lies beside it; one that only leads there does not."""
    folder = path.absolute().parent
    signature = folder / SIGNATURE
    signed = signature.is_file() and path.name != SIGNATURE
    found = {SIGNATURE: _follow(folder.resolve(), signature, folder)} if signed else {}
    return {path.name: real, **found}


def _describe(count: int) -> str:
    return "all files are empty" if count else "there are no files"


def _resolve(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"there is no {path}", hint="Check the model's path.") from error


def _walk(root: Path, folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    """Yield (path in the artifact, where the bytes are) for everything under ``folder``."""
    for entry in _list_folder(folder):
        real = _follow(root, Path(entry.path), folder)
        name = prefix + entry.name
        mode = real.stat().st_mode
        if stat.S_ISDIR(mode):
            yield from _walk(root, real, f"{name}/")
        elif stat.S_ISREG(mode):
            yield name, real
        else:
            raise SourceError(f"{entry.path} is neither a file nor a folder")


def _list_folder(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise SourceError(f"cannot read {folder}: {error.strerror}") from error


def _follow(root: Path, path: Path, folder: Path) -> Path:
    if not path.is_symlink():
        return path
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{path} is a link that leads nowhere") from error
    if not real.is_relative_to(root):
        raise SourceError(
            f"{path} is a link that leads out of the model's folder, to {real}",
            hint="Copy what it points to into the folder.",
        )
    if folder.is_relative_to(real):
        raise SourceError(f"{path} is a link to a folder it is in")
    return real


def _scan_file(name: str, source: Path) -> ArtifactFile:
    try:
        before = source.stat()
        sha256, marks = mark_file(source)
        after = source.stat()
    except OSError as error:
        raise SourceError(f"cannot read {source}: {error.strerror}") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceError(
            f"{source} changed while it was read",
            hint="Wait until whatever writes it is done, then try again.",
        )
    return ArtifactFile(name, after.st_size, sha256, marks)
