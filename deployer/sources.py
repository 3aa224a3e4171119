"""Where a model may come from: a path, an archive, a bucket, the web."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from deployer.errors import IntegrityError, SourceError
from deployer.wiring import open_store

if TYPE_CHECKING:
    from deployer.values import Digest

__all__ = ["open_source"]


@contextmanager
def open_source(
    source: str, *, digest: "Digest | None" = None, endpoint: str | None = None
) -> Iterator[Path]:
    """Yield the file or folder that a source stands for; what had to be fetched goes at the end.

    Args:
        source: A path to a file, a folder or an archive; the URI of an artifact; a bucket with
            plain objects; ``https://…`` of one file or archive.
        digest: What an ``https://`` file must have; demanded there, and for an artifact its own.
        endpoint: Of the bucket, where it is not the cloud's own.

    Raises:
        SourceError: There is nothing, it cannot be used, or a digest is missing.
        IntegrityError: The file is not what the digest promises.
    """
    from deployer.artifact.archive import is_archive, unpack_archive

    with tempfile.TemporaryDirectory(prefix="deployer-source-") as folder:
        place = Path(folder)
        found = _fetch_source(source, place / "fetched", digest, endpoint)
        if found.is_file() and is_archive(found.name):
            unpack_archive(found, place / "unpacked")
            found = place / "unpacked"
        yield found


def _fetch_source(source: str, place: Path, digest: "Digest | None", endpoint: str | None) -> Path:
    scheme, mark, _ = source.partition("://")
    if not mark:
        return Path(source)
    place.mkdir()
    if scheme in ("http", "https"):
        return _download(source, place, digest)
    from deployer.artifact import pull_artifact
    from deployer.artifact.fetch import fetch_objects
    from deployer.artifact.keys import is_uri, split_uri

    if is_uri(source):
        url, promised = split_uri(source)
        pull_artifact(open_store(url, endpoint=endpoint), promised, place)
    else:
        fetch_objects(open_store(source, endpoint=endpoint), place)
    return place


def _download(url: str, place: Path, digest: "Digest | None") -> Path:
    from deployer.providers.http.download import download_file

    if digest is None:
        raise SourceError(
            f"{url} needs a digest: nothing else proves what comes over the web",
            hint="Say which file it must be: --digest sha256:…",
        )
    file = place / (unquote(urlsplit(url).path).rpartition("/")[2] or "model")
    found = download_file(url, file)
    if found != digest.hex:
        raise IntegrityError(f"{url} has sha256 {found}, not {digest.hex}")
    return file
