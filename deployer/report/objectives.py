"""What a service promised and what it held: error budgets, and how fast they are spent.

The formulas and the windows are those of Google's Site Reliability Workbook, chapter 5, "Alerting
on SLOs": a burn rate of 1 spends the budget in exactly the window of the promise. An alarm needs
a long window, so that it is worth somebody's time, and a short one, so that it ends with its cause.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from deployer.cost.samples import Sample
from deployer.cost.timeline import LONGEST
from deployer.spec.objectives import Slo

__all__ = ["Burn", "Goal", "judge_goals"]


@dataclass(frozen=True, slots=True)
class Burn:
    """How many times too fast the budget is spent in a long and in a short window.

    Attributes:
        severity: ``page`` or ``ticket``: what crossing ``limit`` in both windows is worth.
        long: None when nothing was counted in it; so with ``short``.
    """

    severity: str
    long_seconds: float
    short_seconds: float
    limit: float
    long: float | None
    short: float | None

    @property
    def fires(self) -> bool:
        """Whether both windows are above the limit."""
        return None not in (self.long, self.short) and min(self.long or 0, self.short or 0) > (
            self.limit
        )


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise of one target.

    Attributes:
        name: ``availability`` or ``latency``.
        objective: The share that is to be good.
        total: What was counted in the window; ``bad`` of it was not good.
        covered_seconds: Of how much of the window there are counts.
        unknown: Why there is nothing to say; empty when there is.
    """

    name: str
    objective: float
    window_seconds: float
    total: int = 0
    bad: int = 0
    covered_seconds: float = 0.0
    burns: tuple[Burn, ...] = ()
    unknown: str = ""

    @property
    def held(self) -> float | None:
        """The share that was good; None of nothing."""
        return 1 - self.bad / self.total if self.total else None

    @property
    def budget_left(self) -> float | None:
        """The share of the error budget that is left: below 0 when more was spent than there was.

        1,000,000 requests at 99.9 % may fail 1,000 times. When 250 did, 1 - 250/1,000 = 0.75 of
        the budget is left.
        """
        if not self.total:
            return None
        return 1 - self.bad / (self.total * (1 - self.objective))

    @property
    def alarm(self) -> str:
        """``page`` or ``ticket`` when the budget goes too fast; empty when it does not."""
        return next((burn.severity for burn in self.burns if burn.fires), "")


def judge_goals(slo: Slo, samples: Sequence[Sample], now: datetime) -> tuple[Goal, ...]:
    """Hold one target's counts, in the order of time, against what is promised."""
    goals: list[tuple[str, float, _Read]] = [("availability", slo.availability, _read_failures)]
    if slo.latency is not None:
        under = slo.latency.under
        goals.append(("latency", slo.latency.share, lambda it: _read_slow(it, under)))
    return tuple(
        _judge(Goal(name, share, slo.window), [c for c in map(read, samples) if c], now)
        for name, share, read in goals
    )


class _Count(NamedTuple):
    """What a counter showed at a time."""

    at: datetime
    total: int
    bad: int


_Read = Callable[[Sample], "_Count | None"]


class _Growth(NamedTuple):
    total: int
    bad: int
    seconds: float


class _Row(NamedTuple):
    """A row of the workbook's recommended parameters: so much of the budget, gone in so long."""

    severity: str
    long_seconds: float
    short_seconds: float
    share: float


_ROWS = (
    _Row("page", 3600.0, 300.0, 0.02),
    _Row("page", 6 * 3600.0, 1800.0, 0.05),
    _Row("ticket", 3 * 86400.0, 6 * 3600.0, 0.10),
)


def _read_failures(sample: Sample) -> _Count | None:
    if sample.predictions is None:
        return None
    return _Count(sample.at, sample.predictions, sample.failures or 0)


def _read_slow(sample: Sample, under: float) -> _Count | None:
    speed = sample.speed
    if speed is None or speed.seconds != under:
        return None
    return _Count(sample.at, speed.timed, speed.timed - speed.fast)


def _judge(goal: Goal, counts: Sequence[_Count], now: datetime) -> Goal:
    grown = _grow(counts, now, goal.window_seconds)
    if not grown.seconds:
        return _fill(goal, grown, (), "nobody counted")
    if not grown.total:
        return _fill(goal, grown, (), "nothing was asked")
    return _fill(goal, grown, tuple(_burns(goal, counts, now)), "")


def _fill(goal: Goal, grown: _Growth, burns: tuple[Burn, ...], unknown: str) -> Goal:
    return Goal(
        name=goal.name,
        objective=goal.objective,
        window_seconds=goal.window_seconds,
        total=grown.total,
        bad=grown.bad,
        covered_seconds=grown.seconds,
        burns=burns,
        unknown=unknown,
    )


def _burns(goal: Goal, counts: Sequence[_Count], now: datetime) -> Iterator[Burn]:
    """Yield every row's burn rates.

    The limit is the share of the budget times the promise's window over the long one: 2 % of 30
    days' budget in an hour is 0.02 x 720 / 1 = 14.4.
    """
    for row in _ROWS:
        yield Burn(
            row.severity,
            row.long_seconds,
            row.short_seconds,
            row.share * goal.window_seconds / row.long_seconds,
            _burn(goal, _grow(counts, now, row.long_seconds)),
            _burn(goal, _grow(counts, now, row.short_seconds)),
        )


def _burn(goal: Goal, grown: _Growth) -> float | None:
    """Return the error rate over the one that spends the budget just in time.

    5 of 1,000 fail at 99.9 %: 0.005 / 0.001 = 5. Nothing asked spends nothing.
    """
    if not grown.seconds:
        return None
    return grown.bad / grown.total / (1 - goal.objective) if grown.total else 0.0


def _grow(counts: Sequence[_Count], now: datetime, window_seconds: float) -> _Growth:
    """Return how far the counters grew in the window before ``now``, restarts included.

    A look just before the window opens it. One long before does not: when in a gap something
    happened nobody knows, so a window that begins in a gap begins with the first look after it.
    """
    began = now - timedelta(seconds=window_seconds)
    opened = began - min(LONGEST, timedelta(seconds=window_seconds))
    total = bad = 0
    seconds = 0.0
    for one, two in pairwise(counts):
        if two.at <= began or one.at < opened or two.at > now:
            continue
        fell = two.total < one.total  # a router that was started anew begins at 0
        total += two.total - (0 if fell else one.total)
        bad += two.bad - (0 if fell else one.bad)
        seconds += (two.at - max(one.at, began)).total_seconds()
    return _Growth(total, bad, seconds)
