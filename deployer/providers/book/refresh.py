"""A new book from the old one and a vendor's list: what cannot be asked keeps its price."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from deployer.ports import Price, PriceQuery, PriceSource
from deployer.providers.book.entry import Entry
from deployer.values import Cloud

__all__ = ["Refreshed", "refresh_entries"]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The new rows, how many were asked for, and what kept its old price, with why."""

    entries: tuple[Entry, ...]
    asked: int
    kept: tuple[str, ...]


def refresh_entries(
    entries: Iterable[Entry],
    source_of: Callable[[Cloud], PriceSource],
    wanted: Callable[[Entry], bool],
) -> Refreshed:
    """Ask for every wanted machine anew; all other rows stay as they are.

    Raises:
        TransientError, AccessDeniedError, SetupError: A vendor's list cannot be asked.
    """
    sources: dict[Cloud, PriceSource] = {}
    fresh, kept, asked = [], [], 0
    for entry in entries:
        if entry.key.kind != "instance" or not wanted(entry):
            fresh.append(entry)
            continue
        cloud = entry.key.cloud
        asked += 1
        source = sources.setdefault(cloud, sources.get(cloud) or source_of(cloud))
        found = source.ask(PriceQuery(*entry.key), entry.price)
        if isinstance(found, Price):
            fresh.append(replace(entry, price=found))
        else:
            fresh.append(entry)
            kept.append(f"{' '.join(entry.key[:2])} {entry.key.sku}: {found.reason}")
    return Refreshed(tuple(fresh), asked, tuple(kept))
