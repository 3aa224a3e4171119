"""Listing a flat set of names as folders, page by page, as every object store does."""

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Page", "list_page"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: names and common prefixes, each in UTF-8 byte order.

    Attributes:
        last: The last entry when more follow; pass it as ``after`` to go on.
    """

    names: tuple[str, ...]
    prefixes: tuple[str, ...]
    last: str | None


def list_page(
    names: Iterable[str], *, prefix: str = "", delimiter: str = "", after: str = "", limit: int
) -> Page:
    """Return up to ``limit`` entries behind ``after`` that begin with ``prefix``.

    Names that share what stands before the first ``delimiter`` behind the prefix are one entry.
    Code points sort as their UTF-8 bytes do, so plain order of strings is byte order.
    """
    matching = sorted(name for name in names if name.startswith(prefix))
    entries = dict.fromkeys(_entry(name, prefix, delimiter) for name in matching)
    behind = [entry for entry in entries if entry > after]
    page = behind[:limit]
    return Page(
        names=tuple(entry for entry in page if not _folder(entry, prefix, delimiter)),
        prefixes=tuple(entry for entry in page if _folder(entry, prefix, delimiter)),
        last=page[-1] if len(behind) > len(page) else None,
    )


def _entry(name: str, prefix: str, delimiter: str) -> str:
    if not _folder(name, prefix, delimiter):
        return name
    return prefix + name[len(prefix) :].partition(delimiter)[0] + delimiter


def _folder(entry: str, prefix: str, delimiter: str) -> bool:
    return bool(delimiter) and delimiter in entry[len(prefix) :]
