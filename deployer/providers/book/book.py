"""A price book: list prices by exact key, and a named unknown for everything else (G8)."""

from collections.abc import Iterable
from datetime import date
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files

from deployer.ports import Price, PriceQuery, PriceTier, UnknownPrice
from deployer.providers.book.entry import Entry, Key, read_entries
from deployer.values import Cloud

__all__ = ["PriceBook", "load_book", "load_entries", "parse_book"]

_EVERYWHERE = "*"
_UNPRICED = {
    Cloud.LOCAL: "a local machine has no list price",
    Cloud.KUBERNETES: "a cluster of one's own has no list price",
}
_NAMED = 3  # neighbours a reason names before it says "…"


class PriceBook:
    """See `Prices`. Immutable; a look-up is one dictionary access."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Index the entries.

        Raises:
            ValueError: Two entries answer the same question, or there is none. The last one never
                wins silently: that is how a Windows price ends up on a Linux machine.
        """
        self._tiers: dict[Key, list[Entry]] = {}
        for entry in entries:
            self._add(entry)
        if not self._tiers:
            raise ValueError("a price book without prices")
        self._as_of = max(tier.price.as_of for tiers in self._tiers.values() for tier in tiers)

    @property
    def as_of(self) -> date:
        """See `Prices.as_of`."""
        return self._as_of

    def find(self, query: PriceQuery) -> Price | UnknownPrice:
        """See `Prices.find`.

        A price for every region (``*``) answers for each. Of a graduated price the first tier that
        costs anything is returned: free tiers are granted once per account, not per deployment.
        """
        tiers = self._look_up(query)
        return _first_paid(tiers) if tiers else UnknownPrice(self._why_unknown(query))

    def find_tiers(self, query: PriceQuery) -> tuple[PriceTier, ...] | UnknownPrice:
        """See `Prices.find_tiers`; a tier that costs nothing is one of them."""
        tiers = self._look_up(query)
        if not tiers:
            return UnknownPrice(self._why_unknown(query))
        return tuple(PriceTier(tier.from_gb, tier.price) for tier in tiers)

    def _look_up(self, query: PriceQuery) -> list[Entry]:
        for region in (query.region, _EVERYWHERE):
            tiers = self._tiers.get(Key(query.cloud, region, query.kind, _sku(query), query.option))
            if tiers:
                return tiers
        return []

    def _add(self, entry: Entry) -> None:
        tiers = self._tiers.setdefault(entry.key, [])
        if any(tier.from_gb == entry.from_gb for tier in tiers):
            raise ValueError(f"two prices for {' '.join(filter(None, entry.key))}")
        tiers.append(entry)
        tiers.sort(key=lambda tier: tier.from_gb)

    def _why_unknown(self, query: PriceQuery) -> str:
        if query.cloud in _UNPRICED:
            return _UNPRICED[query.cloud]
        what = _sku(query) or query.kind
        if query.kind == "instance" and not query.sku:
            return "no machine type is given"
        known = [key for key in self._tiers if key.cloud is query.cloud and key.kind == query.kind]
        missing = f"no {_adjective(query)}price for {what} in {query.region or 'no region'}"
        elsewhere = sorted({key.region for key in known if key.sku == _sku(query)} - {query.region})
        if elsewhere:
            return f"{missing}; the book knows it in {_some(elsewhere)}"
        here = {key.sku for key in known if key.region == query.region}
        if here - {""}:
            return f"{missing}; the book knows {_some(_nearest(what, here))} there"
        regions = sorted({key.region for key in known})
        if regions:
            return f"{missing}; the book knows {query.cloud} {query.kind} in {_some(regions)}"
        return f"{missing}; the book has no {query.kind} of {query.cloud}"


@cache
def load_book() -> PriceBook:
    """Return the book that ships with the package; read once."""
    return PriceBook(load_entries())


@cache
def load_entries() -> tuple[Entry, ...]:
    """Return the rows of the book that ships with the package; read once."""
    return tuple(read_entries((files(__package__) / "book.csv").read_text("utf-8")))


def parse_book(text: str) -> PriceBook:
    """Read a book from its CSV.

    Raises:
        ValueError: A row is wrong, without source or date, or there twice; the line is named.
    """
    return PriceBook(read_entries(text))


def _sku(query: PriceQuery) -> str:
    """Return the name the book uses: Azure's portal leaves out the ``Standard_`` its API wants."""
    bare = query.cloud is Cloud.AZURE and query.kind == "instance" and "_" in query.sku
    prefixed = query.sku.startswith(("Standard_", "Basic_"))
    return f"Standard_{query.sku}" if bare and not prefixed else query.sku


def _first_paid(tiers: list[Entry]) -> Price:
    return next((tier.price for tier in tiers if tier.price.money.amount), tiers[0].price)


def _adjective(query: PriceQuery) -> str:
    return "" if query.option == "on-demand" else f"{query.option} "


def _nearest(name: str, known: set[str]) -> list[str]:
    likeness = {other: SequenceMatcher(None, name, other).ratio() for other in known}
    return sorted(known, key=lambda other: (-likeness[other], other))


def _some(names: list[str]) -> str:
    more = ", …" if len(names) > _NAMED else ""
    shown = ["every region" if name == _EVERYWHERE else name for name in names[:_NAMED]]
    return ", ".join(shown) + more
