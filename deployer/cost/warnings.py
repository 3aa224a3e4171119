"""What one should doubt of an estimate: prices that are old, from the future, or badly sourced."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from deployer.cost.component import Component
from deployer.cost.estimate import TargetEstimate

__all__ = ["MOST_DAYS", "warn_of_prices"]

MOST_DAYS = 400
"""A price older than this is named: list prices of clouds change about once a year."""


def warn_of_prices(estimates: Iterable[TargetEstimate], today: date) -> tuple[str, ...]:
    """Name components whose price is old, dated after ``today``, or of low confidence."""
    priced = [
        (f"{found.target} {component.name}", component)
        for found in estimates
        for component in (found.requests, *found.bill)
    ]
    old = _matching(priced, lambda it: it.as_of is not None and _age(it, today) > MOST_DAYS)
    future = _matching(priced, lambda it: it.as_of is not None and it.as_of > today)
    low = _matching(priced, lambda it: it.confidence == "low")
    return tuple(_words(priced, old, future, low, today))


def _words(
    priced: list[tuple[str, Component]],
    old: list[str],
    future: list[str],
    low: list[str],
    today: date,
) -> Iterator[str]:
    if old:
        oldest = max(_age(component, today) for _, component in priced if component.as_of)
        yield f"prices older than {MOST_DAYS} days (up to {oldest}): {', '.join(old)}"
    if future:
        yield f"prices dated after {today.isoformat()}: {', '.join(future)}"
    if low:
        yield f"prices of low confidence: {', '.join(low)}"


def _matching(
    priced: Iterable[tuple[str, Component]], wanted: Callable[[Component], bool]
) -> list[str]:
    return [name for name, component in priced if wanted(component)]


def _age(component: Component, today: date) -> int:
    return (today - component.as_of).days if component.as_of else 0
