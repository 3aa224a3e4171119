"""Another region or another cloud: what it saves each month against what going there costs once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from deployer.cost.advice.advice import NOTHING, Advice, Case, Silence
from deployer.cost.advice.areas import find_area
from deployer.cost.allocatable import room_on
from deployer.cost.change import find_deltas
from deployer.cost.component import CURRENCY, HOURS_PER_MONTH, known_sum
from deployer.cost.estimate import TargetEstimate, estimate_release
from deployer.cost.load import Load, read_usage, share_of_traffic
from deployer.cost.machine import price_nodes
from deployer.cost.rates import freeze_prices
from deployer.cost.sizing import Size, count_nodes
from deployer.cost.storage import price_pushes
from deployer.ports import Price
from deployer.release.records import TargetBundle
from deployer.values import Cloud, Money

__all__ = ["Offer", "advise_move"]

_LEAST_SHARE = Decimal("0.05")
"""Of the target's bill: below it nobody moves."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A machine that is sold on demand in one region, with its price there."""

    cloud: Cloud
    region: str
    machine: str
    price: Price


@dataclass(frozen=True, slots=True)
class _Place:
    """A place and what moving there saves a month.

    Attributes:
        uncompared: Components without a price here or there, which the saving leaves out.
    """

    offer: Offer
    saving: Decimal
    uncompared: tuple[str, ...]
    blockers: tuple[str, ...]


def advise_move(case: Case, offers: Sequence[Offer]) -> Advice | Silence:
    """Propose the place where the whole bill is least.

    Within its cloud the same machine is looked for in other regions, in other clouds the cheapest
    that is at least as large. Each place is priced as a whole: machines, control plane, balancer,
    storage, traffic, and what pushing models there costs the target they are pushed from. What has
    no price here or there is left out of the saving and named. Machines with GPUs stay with their
    own type, which only the same name promises.
    """
    if case.machine.fault:
        return Silence("move", case.target, case.machine.fault)
    before = _estimate(case, case.part)
    places = [_compare(case, offer, before) for offer in _find_offers(case, offers)]
    known = [place for place in places if "machines" not in place.uncompared]
    least = _LEAST_SHARE * case.estimate.known.amount
    worth = [place for place in known if place.saving >= least]
    if not worth:
        return Silence("move", case.target, "no place in the price book is 5 % cheaper in all")
    return _advise(case, max(worth, key=lambda place: (not place.blockers, place.saving)))


def _find_offers(case: Case, offers: Sequence[Offer]) -> tuple[Offer, ...]:
    """Return the cheapest place of each cloud, and the cheapest of each that nothing blocks.

    Only places whose machines cost less than the target's are looked at closer.
    """
    now = price_nodes(case.machine, case.estimate.replicas)[1].monthly
    cheapest: dict[tuple[Cloud, bool], tuple[Decimal, Offer]] = {}
    for offer in offers:
        monthly = _price(case, offer) if _is_candidate(case, offer) else None
        if monthly is None or now is None or monthly >= now.amount:
            continue
        key = offer.cloud, any(_block(case, offer))
        if key not in cheapest or monthly < cheapest[key][0]:
            cheapest[key] = monthly, offer
    return tuple(offer for _, offer in cheapest.values())


def _compare(case: Case, offer: Offer, before: Mapping[str, TargetEstimate]) -> _Place:
    after = _estimate(case, _move(case, offer))
    deltas = [it for name in before for it in find_deltas(before[name], after[name])]
    saving = -sum((it.change.amount for it in deltas if it.change), Decimal(0))
    unknown = tuple(dict.fromkeys(it.component for it in deltas if it.change is None))
    return _Place(offer, saving, unknown, tuple(_block(case, offer)))


def _is_candidate(case: Case, offer: Offer) -> bool:
    part, size = case.part, case.machine.size
    if size is None or (offer.cloud, offer.region) == (part.cloud, part.region):
        return False
    taken = {(it.cloud, it.region) for it in case.bundle.targets}
    if (offer.cloud, offer.region) in taken:
        return False  # two targets in one place fail together
    if offer.cloud is part.cloud:
        return offer.machine == part.machine
    price = offer.price
    large = price.vcpu >= size.vcpu and price.memory_gib >= size.memory_gib
    return large and not size.gpus and not price.gpus


def _price(case: Case, offer: Offer) -> Decimal | None:
    size = Size(offer.price.vcpu, offer.price.memory_gib, offer.price.gpus)
    room = room_on(offer.cloud, size)
    nodes = count_nodes(room.size, case.machine.replica, case.estimate.replicas, pods=room.pods)
    return None if nodes is None else nodes * HOURS_PER_MONTH * offer.price.money.amount


def _move(case: Case, offer: Offer) -> TargetBundle:
    """Return the target in the other place, at that place's prices."""
    prices = freeze_prices(case.books[case.target], offer.cloud, offer.region, offer.machine)
    return case.part.model_copy(
        update={
            "cloud": offer.cloud,
            "region": offer.region,
            "machine": offer.machine,
            "prices": prices,
        }
    )


def _estimate(case: Case, part: TargetBundle) -> dict[str, TargetEstimate]:
    """Price the target, and all to whom models are pushed from it, or the one that pushes to it.

    What moves changes what those pay for egress; nobody else's bill.
    """
    pusher = read_usage(case.bundle).pushed_from
    others = [it for it in case.bundle.targets if it.target != case.target]
    if pusher != case.target:
        others = [it for it in others if it.target == pusher]
    bundle = case.bundle.model_copy(update={"targets": (part, *others)})
    found = estimate_release(bundle, case.books, replicas=case.replicas)
    return {it.target: it for it in found}


def _advise(case: Case, place: _Place) -> Advice:
    offer = place.offer
    doubtful = place.blockers or place.uncompared or offer.price.confidence == "low"
    left_out = f"; not compared: {', '.join(place.uncompared)}" if place.uncompared else ""
    return Advice(
        kind="move",
        target=case.target,
        do=f"move it to {offer.machine} in {offer.cloud} {offer.region}",
        why=f"{case.estimate.known} a month here, {place.saving:,.2f} less there{left_out}",
        saving=Money(place.saving, CURRENCY),
        allocated=NOTHING,
        confidence="low" if doubtful else "medium",
        touches=frozenset(
            (
                f"{case.target} machines",
                f"{case.target} rest",
                f"{offer.cloud} {offer.region}",  # two targets in one place fail together
            )
        ),
        changes=tuple(_doubt(case, place)),
        one_off=_price_way(case, offer),
        blockers=place.blockers,
    )


def _doubt(case: Case, place: _Place) -> Iterator[str]:
    yield "a discount or a commitment here or there"
    yield "quota and free machines there are not known, and a cluster must be there first"
    yield "latency: users may be farther away"
    if place.offer.cloud is not case.part.cloud:
        yield "its image must run on that machine's processor"
    for name in place.uncompared:
        yield f"the price of its {name}, which is not known here or there"


def _price_way(case: Case, offer: Offer) -> Money:
    """Return what sending the model there costs once, from the cloud it is in."""
    usage = read_usage(case.bundle).model_copy(update={"pushes": 1})
    share = share_of_traffic(case.bundle, case.target)
    load = Load(usage, share, case.bundle.artifact.size, case.estimate.replicas)
    return known_sum(price_pushes(case.rates, load, [_move(case, offer)]))


def _block(case: Case, offer: Offer) -> Iterator[str]:
    here, there = (
        find_area(cloud, region)
        for cloud, region in ((case.part.cloud, case.part.region), (offer.cloud, offer.region))
    )
    if not here or here != there:
        yield f"residency: from {here or case.part.region} to {there or offer.region}"
    clouds = [it.cloud for it in case.bundle.targets]
    if len(clouds) > 1 and clouds.count(case.part.cloud) == 1 and offer.cloud in clouds:
        yield f"one cloud less: it is the only target on {case.part.cloud}"
