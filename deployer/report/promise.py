"""What a promise says of a target's health now: whether its error budget is being burnt."""

from collections.abc import Iterator, Sequence

from deployer.report.evidence import Evidence, Sight
from deployer.report.objectives import Burn, Goal

__all__ = ["describe_burns", "describe_goal", "see_goals"]

_DAY, _HOUR = 86400, 3600


def see_goals(goals: Sequence[Goal]) -> Evidence:
    """Say how all the goals do; not good only while a budget goes fast enough to wake somebody.

    A budget that is spent says what to do about releases, and nothing of how users fare now.
    """
    alarms = [goal for goal in goals if goal.alarm == "page"]
    if alarms:
        return Evidence("slo", Sight.PARTLY, "; ".join(_say_alarm(goal) for goal in alarms))
    known = [goal for goal in goals if not goal.unknown]
    sight = Sight.GOOD if len(known) == len(goals) else Sight.UNSEEN
    return Evidence("slo", sight, "; ".join(describe_goal(goal) for goal in goals))


def describe_goal(goal: Goal) -> str:
    """Return what is held of it, what is left of its budget, and of how long that is known."""
    if goal.unknown or goal.held is None or goal.budget_left is None:
        return f"{goal.name} is unknown: {goal.unknown}"
    return ", ".join(_parts(goal, goal.held, goal.budget_left))


def describe_burns(goal: Goal) -> str:
    """Return how fast the budget goes in every window: 1 is as fast as it may."""
    return "; ".join(
        f"{_rate(burn.long)} ({_long(burn.long_seconds)}), "
        f"{_rate(burn.short)} ({_long(burn.short_seconds)})"
        f", {burn.severity} above {burn.limit:.3g}"
        for burn in goal.burns
    )


def _rate(burn: float | None) -> str:
    return "unknown" if burn is None else f"{burn:.1f}"


def _share(share: float) -> str:
    return f"{100 * share:.6g} %"


def _parts(goal: Goal, held: float, left: float) -> Iterator[str]:
    promised = _share(goal.objective)
    yield f"{goal.name} {_share(held)} of {promised} promised"
    yield f"{left:.0%} of the error budget left"
    yield f"counted for {_long(goal.covered_seconds)} of {_long(goal.window_seconds)}"
    if goal.alarm:
        yield "it goes too fast"


def _say_alarm(goal: Goal) -> str:
    burn = next(burn for burn in goal.burns if burn.fires)
    return (
        f"{goal.name}: the error budget of {_share(goal.objective)} goes "
        f"{_times(burn)} as fast as it may"
    )


def _times(burn: Burn) -> str:
    return (
        f"{burn.long or 0:.1f} times ({_long(burn.long_seconds)}) and "
        f"{burn.short or 0:.1f} times ({_long(burn.short_seconds)})"
    )


def _long(seconds: float) -> str:
    if seconds >= _DAY:
        return f"{seconds / _DAY:.3g} d"
    return f"{seconds / _HOUR:.3g} h" if seconds >= _HOUR else f"{seconds / 60:.3g} min"
