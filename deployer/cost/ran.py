"""Prices what ran: every span of every release, day by day, component by component."""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from deployer.cost.allocate import Allocation
from deployer.cost.component import HOURS_PER_MONTH, Component, price_component
from deployer.cost.load import Load, read_usage, share_of_traffic
from deployer.cost.machine import Machine, read_machine
from deployer.cost.machine_hours import MachineHours, State, price_machine_hours
from deployer.cost.network import price_gateways, price_traffic
from deployer.cost.rates import Rates
from deployer.cost.row import CostRow, Gap, MachineUse, Part
from deployer.cost.samples import Sample, Samples
from deployer.cost.storage import price_kept, price_pushes, price_requests
from deployer.cost.timeline import Tally, Timeline
from deployer.cost.weights import SCAD, WeightSet
from deployer.ports import Prices
from deployer.release.records import Bundle, Span, TargetBundle
from deployer.values import Cloud

__all__ = ["Ran", "Window", "hours_between", "price_ran"]


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when, UTC."""

    began: datetime
    ended: datetime

    @property
    def hours(self) -> Decimal:
        """How long it is."""
        return hours_between(self.began, self.ended)


@dataclass
class Ran:
    """What a time cost, row by row, and what it rests on.

    Attributes:
        left_out: Spans of releases that cannot be read, so that nothing of them is priced.
        excess: Targets where more was used than their machines hold.
        tallies: By target and release, what was answered.
    """

    rows: list[CostRow] = field(default_factory=list)
    machines: list[MachineUse] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    left_out: list[Span] = field(default_factory=list)
    excess: set[str] = field(default_factory=set)
    tallies: dict[tuple[str, int], Tally] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Slice:
    """A span of a release within one day."""

    span: Span
    bundle: Bundle
    part: TargetBundle
    rates: Rates
    machine: Machine
    load: Load
    month: "_Month"
    began: datetime
    ended: datetime
    hours: Decimal
    first: bool


@dataclass(frozen=True, slots=True)
class _Month:
    """What a month of a span costs of all that goes by the hour, whatever is answered.

    Attributes:
        shares: How its machines' price is shared, by what held; filled as it is met.
    """

    gateways: tuple[Component, ...]
    kept: tuple[Component, ...]
    shares: dict[State, Allocation] = field(default_factory=dict)


def price_ran(
    spans: Iterable[Span],
    bundles: Mapping[int, Bundle],
    window: Window,
    *,
    books: Mapping[str, Prices] | None = None,
    samples: Sequence[Sample] = (),
    weights: WeightSet = SCAD,
) -> Ran:
    """Price every span within ``window``, at the prices frozen into its release.

    Real hours, not 730 a month: what is priced by the month is divided by the hours of that month.
    Replicas and answers are the samples' where there are some, else what the release asks for and
    what its spec assumes of a month.
    """
    ran = Ran()
    found = Samples.collect(samples)
    seen = {target: Timeline(found.looks, it) for target, it in found.columns.items()}
    sent: dict[tuple[Cloud, int, int], Decimal] = {}
    for piece in _slices(spans, bundles, window, books or {}, ran):
        _price_slice(piece, seen.get(piece.span.target), weights, sent, ran)
    return ran


def hours_between(began: datetime, ended: datetime) -> Decimal:
    """Return the hours, exact to the microsecond."""
    return _hours(ended - began)


def _hours(long: timedelta) -> Decimal:
    return Decimal(long // timedelta(microseconds=1)) / 3_600_000_000


def _slices(
    spans: Iterable[Span],
    bundles: Mapping[int, Bundle],
    window: Window,
    books: Mapping[str, Prices],
    ran: Ran,
) -> Iterator[_Slice]:
    """Cut every span by the window and by days, in the order of time."""
    found = []
    for span in spans:
        began = max(span.began, window.began)
        ended = min(span.ended or window.ended, window.ended)
        if began >= ended:
            continue
        bundle = bundles.get(span.release)
        part = bundle.target(span.target) if bundle else None
        if bundle is None or part is None:
            ran.left_out.append(span)
            continue
        whole = _open(span, bundle, part, books)
        found += [
            _Slice(*whole, start, end, hours_between(start, end), first=start == span.began)
            for start, end in _days(began, ended)
        ]
    yield from sorted(found, key=lambda piece: (piece.began, piece.span.target))


def _open(
    span: Span,
    bundle: Bundle,
    part: TargetBundle,
    books: Mapping[str, Prices],
) -> "tuple[Span, Bundle, TargetBundle, Rates, Machine, Load, _Month]":
    rates = Rates(bundle, part, books.get(part.target))
    share = share_of_traffic(bundle, part.target)
    load = Load(read_usage(bundle), share, bundle.artifact.size, part.replicas)
    month = _Month(price_gateways(rates, load), price_kept(rates, replace(load, replicas=1)))
    machine = read_machine(part, rates)
    return span, bundle, part, rates, machine, load, month


def _days(began: datetime, ended: datetime) -> Iterator[tuple[datetime, datetime]]:
    while began < ended:
        midnight = datetime.combine(began.date() + timedelta(days=1), time(), tzinfo=UTC)
        yield began, min(midnight, ended)
        began = min(midnight, ended)


def _price_slice(
    piece: _Slice,
    samples: Timeline | None,
    weights: WeightSet,
    sent: dict[tuple[Cloud, int, int], Decimal],
    ran: Ran,
) -> None:
    hours = _measure(piece, samples, ran)
    priced = price_machine_hours(piece.machine, hours, weights, piece.month.shares)
    basis = "samples" if any(state.sampled for state in hours.hours) else "release"
    ran.rows += [_row(piece, c, part, basis) for c, part in priced.components]
    ran.machines.append(priced.use(piece.span.target))
    if priced.excess:
        ran.excess.add(piece.span.target)
    ran.rows += [_row(piece, c, Part.SHARED, "release") for c in _shared(piece)]
    ran.rows += [_row(piece, c, Part.OWN, "release") for c in _own(piece, hours.replica_hours)]
    tally = samples.count_answers(piece.began, piece.ended) if samples else Tally()
    counted = tally.predictions is not None
    key = piece.span.target, piece.span.release
    ran.tallies[key] = ran.tallies.get(key, Tally()).add(tally)
    basis = "samples" if counted else "assumed"
    ran.rows += [_row(piece, c, Part.OWN, basis) for c in _traffic(piece, tally, sent)]


def _measure(piece: _Slice, samples: Timeline | None, ran: Ran) -> MachineHours:
    """Add up for how long each state held; a gap is noted, and counted as the release asks."""
    hours = MachineHours(piece.machine)
    if samples is None:
        hours.add(None, piece.load.replicas, piece.hours)
        return hours
    held = samples.hold(piece.began, piece.ended)
    for look, long in held.looks.items():
        hours.add(look, piece.load.replicas, _hours(long))
    for began, ended in held.gaps:
        hours.add(None, piece.load.replicas, hours_between(began, ended))
        _note_gap(ran.gaps, Gap(piece.span.target, began, ended))
    return hours


def _note_gap(gaps: list[Gap], gap: Gap) -> None:
    """Add a gap; one that goes on after midnight stays one."""
    for index in range(len(gaps) - 1, -1, -1):
        if gaps[index].target == gap.target:
            if gaps[index].ended == gap.began:
                gap = replace(gap, began=gaps.pop(index).began)
            break
    gaps.append(gap)


def _shared(piece: _Slice) -> Iterator[Component]:
    """Price the slice's part of what everything on the cluster has in common."""
    price = piece.rates.find("control_plane_hour").price
    yield price_component("control plane", price, piece.hours, "one cluster")
    for component in piece.month.gateways:
        yield component.scale(piece.hours / HOURS_PER_MONTH)


def _own(piece: _Slice, replica_hours: Decimal) -> Iterator[Component]:
    """Price what is kept for the slice, and once per release what it took to get there."""
    share = piece.hours / _month_hours(piece.began)
    average = replica_hours / piece.hours
    stored, *disks = piece.month.kept
    yield stored.scale(share)
    yield from (disk.scale(share * average) for disk in disks)
    if not piece.first:
        return
    usage = piece.load.usage.model_copy(update={"pushes": 1})
    load = replace(piece.load, usage=usage)
    yield from price_requests(piece.rates, load)
    if usage.pushed_from == piece.part.target:
        others = [part for part in piece.bundle.targets if part.target != piece.part.target]
        yield from price_pushes(piece.rates, load, others)


def _traffic(
    piece: _Slice, tally: Tally, sent: dict[tuple[Cloud, int, int], Decimal]
) -> tuple[Component, ...]:
    """Price what was answered, by the tier that the account has reached in the month."""
    key = (piece.part.cloud, piece.began.year, piece.began.month)
    begun = sent.setdefault(key, piece.load.usage.egress_used_gb * 10**9)
    assumed = piece.load.predictions * piece.hours / HOURS_PER_MONTH
    asked = assumed if tally.predictions is None else Decimal(tally.predictions)
    if not asked:
        return ()
    load = replace(piece.load, begun_bytes=begun, asked=asked)
    sent[key] = begun + load.bytes_out
    return price_traffic(piece.rates, load)


def _month_hours(moment: datetime) -> int:
    """Return 672 to 744: what a price per month is divided by, as the vendors do."""
    return monthrange(moment.year, moment.month)[1] * 24


def _row(piece: _Slice, component: Component, part: Part, basis: str) -> CostRow:
    return CostRow(
        began=piece.began,
        ended=piece.ended,
        target=piece.span.target,
        release=piece.span.release,
        cloud=piece.part.cloud,
        region=piece.part.region,
        component=component.name,
        part=part,
        amount=component.monthly,
        unknown=component.unknown,
        quantity=component.quantity,
        unit=component.unit,
        unit_price=component.unit_price,
        sku=piece.part.machine if part in _MACHINE_PARTS else "",
        basis=basis,
    )


_MACHINE_PARTS = (Part.ALLOCATED, Part.IDLE, Part.OVERHEAD)
