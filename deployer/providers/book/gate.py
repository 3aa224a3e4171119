"""Refuses a price book that cannot be right: filter errors show as outliers.

List prices of machines grow with their processors within a size series, differ little between
regions, and move seldom. A Windows price, a dedicated host or a spot price among them does not.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from statistics import median

from deployer.providers.book.entry import Entry, Key
from deployer.values import Cloud

__all__ = ["MOST_MOVE", "find_implausible"]

MOST_MOVE = Decimal("0.25")
"""A price that moves by more than this wants a look: machines' list prices fall by tens of percent
at most once a year.
"""
_LINEAR = Decimal("0.01")
_REGION_RATIO = (Decimal("0.6"), Decimal("1.6"))
_LEAST_SIZES = 3
_LEAST_REGIONS = 2


def find_implausible(
    new: Iterable[Entry], old: Iterable[Entry], *, most_move: Decimal = MOST_MOVE
) -> list[str]:
    """Return every reason to refuse ``new`` in place of ``old``; empty when there is none.

    Args:
        new: The book that would come.
        old: The book that is there.
        most_move: The largest share by which a price may move.
    """
    fresh, known = list(new), list(old)
    return [
        *_find_bent_series(fresh),
        *_find_odd_regions(fresh),
        *_find_vanished(fresh, known),
        *_find_leaps(fresh, known, most_move),
    ]


def _machines(entries: Iterable[Entry]) -> list[Entry]:
    return [
        entry
        for entry in entries
        if entry.key.kind == "instance" and entry.key.option == "on-demand"
    ]


def _find_bent_series(entries: Iterable[Entry]) -> Iterator[str]:
    """Name machines whose price per vCPU is not the median of their series in their region."""
    series: dict[tuple[Cloud, str, str], list[Entry]] = {}
    for entry in _machines(entries):
        if not entry.price.gpus:
            place = (entry.key.cloud, entry.key.region, _family(entry))
            series.setdefault(place, []).append(entry)
    for found in series.values():
        rates = [entry.price.money.amount / entry.price.vcpu for entry in found]
        if len(found) < _LEAST_SIZES:
            continue
        middle = median(rates)
        for entry, rate in zip(found, rates, strict=True):
            if abs(rate / middle - 1) > _LINEAR:
                yield (
                    f"{_name(entry.key)} costs {rate:.5f} per vCPU, others of its series "
                    f"{middle:.5f}: another system, tenancy or licence?"
                )


def _family(entry: Entry) -> str:
    """Return what machines of one series share: the name without the size, and GiB per vCPU."""
    sku, cloud = entry.key.sku, entry.key.cloud
    if cloud is Cloud.AWS:
        name = sku.partition(".")[0]
    elif cloud is Cloud.GCP:
        name = sku.rpartition("-")[0]
    else:
        name = "".join(letter for letter in sku if not letter.isdigit() or letter == sku[-1])
    return f"{name} {entry.price.memory_gib / entry.price.vcpu:.2f}"


def _find_odd_regions(entries: Iterable[Entry]) -> Iterator[str]:
    """Name machines that cost much less or more than in the median of regions."""
    offers: dict[tuple[Cloud, str], list[Entry]] = {}
    for entry in _machines(entries):
        offers.setdefault((entry.key.cloud, entry.key.sku), []).append(entry)
    least, most = _REGION_RATIO
    for found in offers.values():
        middle = median(entry.price.money.amount for entry in found)
        for entry in found if len(found) > _LEAST_REGIONS else ():
            ratio = entry.price.money.amount / middle
            if not least <= ratio <= most:
                yield f"{_name(entry.key)} costs {ratio:.2f} x the median of its regions"


def _find_vanished(new: Iterable[Entry], old: Iterable[Entry]) -> Iterator[str]:
    kept = {_place(entry) for entry in new}
    for entry in old:
        if _place(entry) not in kept:
            yield f"{_name(entry.key)} is there no more"


def _find_leaps(new: Iterable[Entry], old: Iterable[Entry], most_move: Decimal) -> Iterator[str]:
    before = {_place(entry): entry.price.money.amount for entry in old}
    for entry in new:
        was, now = before.get(_place(entry)), entry.price.money.amount
        if not was or entry.key.option != "on-demand":
            continue
        if abs(now / was - 1) > most_move:
            yield f"{_name(entry.key)} moves from {was} to {now}, by {100 * (now / was - 1):+.0f} %"


def _place(entry: Entry) -> tuple[Key, Decimal]:
    return entry.key, entry.from_gb


def _name(key: Key) -> str:
    return " ".join(filter(None, (key.cloud, key.region, key.sku or key.kind)))
