"""Where an artifact lies in a store, and which paths every store and file system can hold."""

import re
import unicodedata
from collections.abc import Iterable

from deployer.errors import SourceError
from deployer.values import Digest

__all__ = [
    "FOLDER",
    "MARKER",
    "artifact_prefix",
    "artifact_uri",
    "check_digest",
    "check_key",
    "check_paths",
    "file_key",
    "is_uri",
    "marker_key",
    "parse_digest",
    "split_key",
    "split_uri",
]

MARKER = ".manifest.json"
"""The name of the object that is written last: only with it is the artifact there."""

FOLDER = "artifacts/sha256"
"""What the keys of all artifacts start with, before a slash."""

_MAX_BYTES = 1024
_MAX_PARTS = 254
_KEY = re.compile(rf"{FOLDER}/(?P<hex>[0-9a-f]{{64}})/(?P<path>.+)", re.DOTALL)
_URI = re.compile(rf"(?P<store>.+)/{FOLDER}/(?P<hex>[0-9a-f]{{64}})/?")


def artifact_prefix(digest: Digest) -> str:
    """Return what all keys of an artifact start with; ends in a slash."""
    return f"{FOLDER}/{digest.hex}/"


def file_key(digest: Digest, path: str) -> str:
    """Return the key of one file."""
    return artifact_prefix(digest) + path


def marker_key(digest: Digest) -> str:
    """Return the key of the marker, which is the manifest."""
    return artifact_prefix(digest) + MARKER


def artifact_uri(store_url: str, digest: Digest) -> str:
    """Return where an artifact is, for people and for `split_uri`."""
    return f"{store_url}/{FOLDER}/{digest.hex}"


def is_uri(text: str) -> bool:
    """Say whether `split_uri` can read it."""
    return _URI.fullmatch(text) is not None


def split_uri(uri: str) -> tuple[str, Digest]:
    """Return the store's URL and the digest that `artifact_uri` was made from.

    Raises:
        SourceError: It is not the URI of an artifact.
    """
    match = _URI.fullmatch(uri)
    if match is None:
        raise SourceError(
            f"{uri!r} is not the URI of an artifact",
            hint=f"It ends in {FOLDER}/ and 64 hexadecimal digits, as `deployer push` prints it.",
        )
    return match["store"], Digest(match["hex"])


def split_key(key: str) -> tuple[Digest, str] | None:
    """Return the artifact and the path that `file_key` made the key of; None for other keys."""
    match = _KEY.fullmatch(key)
    return (Digest(match["hex"]), match["path"]) if match else None


def check_digest(promised: Digest, text: str | None) -> None:
    """Make sure that a digest a user gave is the one of the URI; None asks for nothing.

    Raises:
        SourceError: It is another, or no digest at all.
    """
    if text is None:
        return
    wanted = parse_digest(text)
    if wanted != promised:
        raise SourceError(f"the URI is of {promised}, not of {wanted}")


def parse_digest(text: str) -> Digest:
    """Return the digest that a user wrote.

    Raises:
        SourceError: It is none.
    """
    try:
        return Digest.parse(text)
    except ValueError as error:
        raise SourceError(str(error), hint="Write sha256: and 64 hexadecimal digits.") from error


def check_paths(paths: Iterable[str]) -> None:
    """Make sure that every store and every file system can hold these paths side by side.

    Raises:
        SourceError: One cannot be held, or two are one where upper and lower case are the same.
    """
    seen: dict[str, str] = {}
    for path in sorted(paths):
        _check_path(path)
        _check_collision(path, seen)


def check_key(url: str, key: str) -> None:
    """Make sure that a key is short enough together with the prefix of the store at ``url``.

    Raises:
        SourceError: It has more than 1024 bytes, the least that S3, Cloud Storage and Blob take.
    """
    prefix = url.partition("://")[2].partition("/")[2]
    size = len(f"{prefix}/{key}".encode())
    if size > _MAX_BYTES:
        raise SourceError(
            f"the key of {key[:80]}… would have {size} bytes; stores take {_MAX_BYTES}",
            hint="Shorten the file's path or the store's prefix.",
        )


def _check_path(path: str) -> None:
    why = _fault(path)
    if why is not None:
        raise SourceError(
            f"{path!r} can't be an object's name in every store: {why}", hint="Rename the file."
        )


def _fault(path: str) -> str | None:
    parts = path.split("/")
    if path == MARKER:
        return "the name is taken by the manifest"
    if len(parts) > _MAX_PARTS:
        return f"it is nested more than {_MAX_PARTS} deep"
    if "\\" in path:
        return "it has a backslash"
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in path):
        return "it has a control character, or is not UTF-8"
    if any(not part or part.endswith(".") for part in parts):
        return "a part of it is empty or ends in a dot"
    return None


def _check_collision(path: str, seen: dict[str, str]) -> None:
    """Compare as a file system does that keeps case but does not tell it apart."""
    parts = path.split("/")
    for count in range(1, len(parts)):
        _claim("/".join(parts[:count]), "folder", seen, path)
    _claim(path, "file", seen, path)


def _claim(name: str, kind: str, seen: dict[str, str], path: str) -> None:
    folded = unicodedata.normalize("NFC", name).casefold()
    claim = f"{kind} {name}"
    if seen.setdefault(folded, claim) != claim:
        raise SourceError(
            f"{path!r} and the {seen[folded]} are one where case does not count",
            hint="Rename one of them.",
        )
