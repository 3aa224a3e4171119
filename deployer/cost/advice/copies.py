"""Models that nobody needs where they lie: no release refers to them, or none does there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from deployer.cost.advice.advice import NOTHING, Advice, Kind, Silence
from deployer.cost.egress import UNIT_BYTES
from deployer.ports import Price, UnknownPrice
from deployer.values import Digest

__all__ = ["StoredCopy", "advise_copies"]


_LEAST = Decimal("0.01")
"""A cent a month: below it nobody's time is paid for."""


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """One artifact in one store.

    Attributes:
        size: In bytes.
        referred: Whether any release of any deployment refers to the artifact.
        expected: Whether one of them expects it in this store.
    """

    url: str
    digest: Digest
    size: int
    referred: bool
    expected: bool


def advise_copies(
    copies: Sequence[StoredCopy], prices: Mapping[str, Price | UnknownPrice]
) -> Iterator[Advice | Silence]:
    """Propose, store by store, what to collect and which copies are one too many.

    Args:
        copies: What lies in the stores.
        prices: By store, what keeping a unit for a month costs.
    """
    for url in sorted({copy.url for copy in copies}):
        here = [copy for copy in copies if copy.url == url]
        price = prices.get(url) or UnknownPrice("no live target keeps its model there")
        old = [copy for copy in here if not copy.referred]
        extra = [copy for copy in here if copy.referred and not copy.expected]
        if old:
            do = "deployer artifacts gc removes them once they are old enough"
            yield _advise("old-artifacts", old, price, f"no release refers to them; {do}")
        if extra:
            why = "releases refer to them, and expect them in other stores"
            yield _advise("extra-copies", extra, price, why)


def _advise(
    kind: Kind, copies: Sequence[StoredCopy], price: Price | UnknownPrice, why: str
) -> Advice | Silence:
    url, size = copies[0].url, sum(copy.size for copy in copies)
    words = f"{len(copies)} of {size / 10**9:,.3f} GB in all"
    if isinstance(price, UnknownPrice) or price.unit not in UNIT_BYTES:
        reason = price.reason if isinstance(price, UnknownPrice) else f"its unit is {price.unit}"
        return Silence(kind, url, f"{words}: what keeping them costs is unknown: {reason}")
    saving = price.money * (Decimal(size) / UNIT_BYTES[price.unit])
    if saving.amount < _LEAST:
        return Silence(kind, url, f"{words}: keeping them costs less than a cent a month")
    return Advice(
        kind=kind,
        target=url,
        do=f"remove {words}",
        why=why,
        saving=saving,
        allocated=NOTHING,
        confidence="high" if kind == "old-artifacts" else "medium",
        touches=frozenset(f"{url} {copy.digest}" for copy in copies),
        changes=("a release that is deployed anew from one of them pushes it again",),
    )
