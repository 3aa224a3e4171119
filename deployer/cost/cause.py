"""What made one day cost more than another like it: more of something, a price, a release; pure."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from deployer.cost.anomaly import Score
from deployer.cost.ran import Ran, Window
from deployer.cost.timeline import Tally

__all__ = ["name_cause"]

_BY_ANSWERS = ("egress", "logs", "balancer")


def name_cause(score: Score, price: Callable[[Window], Ran]) -> str:
    """Return in words what differs between the day and the usual day it is held against.

    Args:
        score: The day, and the one whose cost is nearest to the median.
        price: Prices what ran in a window.
    """
    then, now = price(_day(score.like)), price(_day(score.day))
    parts = [
        *_releases(score.target, then, now),
        *(_machines(score.target, then, now) if score.component == "machines" else ()),
        *(_answers(score.target, then, now) if score.component in _BY_ANSWERS else ()),
        *(_quantities(score, then, now) if score.component != "machines" else ()),
    ]
    told = "; ".join(parts) or "nothing that is recorded differs"
    return f"{told} (compared with {score.like.isoformat()})"


def _day(day: date) -> Window:
    began = datetime.combine(day, time(), tzinfo=UTC)
    return Window(began, began + timedelta(days=1))


def _releases(target: str, then: Ran, now: Ran) -> Iterator[str]:
    old, new = (
        sorted({row.release for row in ran.rows if row.target == target}) for ran in (then, now)
    )
    if old != new:
        yield f"release {_list(new)} instead of {_list(old)}"


def _machines(target: str, then: Ran, now: Ran) -> Iterator[str]:
    """Split the difference: hours at the old price, the rest by price."""
    (hours, price), (more, newer) = (_use(target, ran) for ran in (then, now))
    if hours != more:
        yield f"{hours:,.1f} to {more:,.1f} machine-hours ({(more - hours) * price:+,.2f})"
    if price != newer and hours and more:
        by_price = (newer - price) * more
        yield f"{price:.4f} to {newer:.4f} an hour ({by_price:+,.2f})"


def _use(target: str, ran: Ran) -> tuple[Decimal, Decimal]:
    """Return the machine-hours of a target and what one cost on average."""
    uses = [use for use in ran.machines if use.target == target and use.hourly is not None]
    hours = sum((use.hours for use in uses), Decimal(0))
    paid = sum((use.hours * use.hourly.amount for use in uses if use.hourly), Decimal(0))
    return hours, paid / hours if hours else Decimal(0)


def _answers(target: str, then: Ran, now: Ran) -> Iterator[str]:
    old, new = (_count(target, ran) for ran in (then, now))
    if old is not None and new is not None and old != new:
        yield f"{old:,} to {new:,} predictions"


def _count(target: str, ran: Ran) -> int | None:
    total = Tally()
    for (name, _), tally in ran.tallies.items():
        total = total.add(tally) if name == target else total
    return total.predictions


def _quantities(score: Score, then: Ran, now: Ran) -> Iterator[str]:
    old, new = (_amounts(score, ran) for ran in (then, now))
    for unit in sorted({*old, *new}):
        before, after = old.get(unit, Decimal(0)), new.get(unit, Decimal(0))
        if before != after:
            yield f"{before:,.3f} to {after:,.3f} {unit}"


def _amounts(score: Score, ran: Ran) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in ran.rows:
        if (row.target, row.component) == (score.target, score.component) and row.quantity:
            found[row.unit] = found.get(row.unit, Decimal(0)) + row.quantity
    return found


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"
