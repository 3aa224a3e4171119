"""Spot machines at what they really cost: interruptions and on-demand stand-ins included."""

from datetime import date
from decimal import Decimal

from deployer.cost.advice.advice import Advice, Case, Confidence, Rules, Silence, say_percent
from deployer.cost.component import HOURS_PER_MONTH
from deployer.ports import Price, PriceQuery, UnknownPrice
from deployer.values import Cloud, Money

__all__ = ["advise_spot", "price_effectively"]

_NOTICE_SECONDS = {Cloud.AWS: 120, Cloud.GCP: 30, Cloud.AZURE: 30}
"""How long before a machine is taken it is told: AWS "Spot Instance interruption notices", Google
"Spot VMs", Azure "Use Azure Spot Virtual Machines", each at the least."""

_LEAST_REPLICAS = 2
_FRESH_DAYS = 1


def advise_spot(case: Case, rules: Rules, today: date) -> Advice | Silence:
    """Propose spot machines, where losing one is survived and told in time.

    With less than two replicas the target is away while one starts; a model that takes longer to
    load than the notice is not ready when its predecessor goes.
    """
    reason = _refuse(case, rules)
    if reason:
        return Silence("spot", case.target, reason)
    part, hourly = case.part, case.machine.hourly
    query = PriceQuery(part.cloud, part.region, "instance", part.machine, "spot")
    book = case.books.get(part.target)
    spot = book.find(query) if book else UnknownPrice("the target has left the spec")
    if isinstance(spot, UnknownPrice):
        return Silence("spot", case.target, spot.reason)
    if isinstance(hourly, UnknownPrice):
        return Silence("spot", case.target, hourly.reason)
    effective = price_effectively(spot.money, hourly.money, rules)
    saved = hourly.money.amount - effective.amount
    if saved <= 0:
        return Silence("spot", case.target, "with interruptions it costs as much as on demand")
    return _advise(case, spot, hourly, effective, rules=rules, today=today)


def price_effectively(spot: Money, on_demand: Money, rules: Rules) -> Money:
    """Return what an hour on spot machines costs: p (1 + l t) + f (on demand - p).

    ``l`` is the rate of interruptions an hour, -ln(1 - r) / 730, ``t`` the hours lost by each, and
    ``f`` the share of the time for which on-demand machines stand in.
    """
    rate = -(1 - rules.interruptions).ln() / HOURS_PER_MONTH
    lost = (rules.load_seconds or Decimal(0)) / 3600
    own = spot.amount * (1 + rate * lost)
    return Money(own + rules.fallback * (on_demand.amount - spot.amount), spot.currency)


def _refuse(case: Case, rules: Rules) -> str:
    if case.part.cloud not in _NOTICE_SECONDS:
        return "nobody sells spot machines there"
    if case.estimate.option == "spot":
        return "it is on spot machines already"
    if case.estimate.replicas < _LEAST_REPLICAS:
        return f"it has {case.estimate.replicas} replica, and nobody serves while that one is lost"
    return case.machine.fault or _refuse_load(case.part.cloud, rules)


def _refuse_load(cloud: Cloud, rules: Rules) -> str:
    notice = _NOTICE_SECONDS[cloud]
    if rules.load_seconds is None:
        return "how long a replica takes to load is not known (--load-seconds)"
    if rules.load_seconds > notice:
        return f"a replica loads in {rules.load_seconds:f} s, and {cloud} tells {notice} s before"
    return ""


def _advise(
    case: Case, spot: Price, hourly: Price, effective: Money, *, rules: Rules, today: date
) -> Advice:
    age = (today - spot.as_of).days
    confidence: Confidence = "medium" if age <= _FRESH_DAYS else "low"
    nodes = case.estimate.nodes or 0
    saving = (hourly.money.amount - effective.amount) * nodes * HOURS_PER_MONTH
    return Advice(
        kind="spot",
        target=case.target,
        do=f"run its {nodes} x {case.part.machine} on spot machines (nodes: {{spot: true}})",
        why=f"{spot.money.amount:f} an hour, {effective.amount:.4f} with what interruptions cost, "
        f"instead of {hourly.money.amount:f}",
        saving=Money(saving, effective.currency),
        allocated=Money(Decimal(0), effective.currency),
        confidence=confidence,
        touches=frozenset((f"{case.target} machines",)),
        changes=(
            f"the spot price, which is {age} days old: indicative only after one",
            f"interruptions: {say_percent(rules.interruptions)} of the machines in a month",
            f"on-demand machines for {say_percent(rules.fallback)} of the time",
            "a zone in which there are none: traffic moves to the other targets",
        ),
    )
