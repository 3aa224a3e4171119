"""The looks at one target in the order of time: what held when, and what was answered."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import compress, count, repeat
from operator import gt, ne, or_, sub

from deployer.cost.columns import Columns, Look, read_micros, write_micros

__all__ = ["LONGEST", "Held", "Tally", "Timeline"]

LONGEST = timedelta(hours=1)
"""A sample speaks for the time after it, at most so long: beyond that nobody looked."""


@dataclass(frozen=True, slots=True)
class Held:
    """A time cut up: for how long each look spoke, and when none did."""

    looks: Mapping[Look, timedelta]
    gaps: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What was answered in a time; None when nobody counted."""

    predictions: int | None = None
    failures: int | None = None

    @property
    def successful(self) -> int | None:
        """What did not fail."""
        return None if self.predictions is None else self.predictions - (self.failures or 0)

    def add(self, other: "Tally") -> "Tally":
        """Return both together; what nobody counted adds nothing."""
        if other.predictions is None:
            return self
        return Tally(
            (self.predictions or 0) + other.predictions,
            (self.failures or 0) + (other.failures or 0),
        )


class Timeline:
    """The looks at one target; questions cost what they answer, however many there are.

    Looks that say the same, none an hour after the other, are one run; where a counter was started
    anew, or nobody counted, is found once.
    """

    def __init__(self, looks: Sequence[Look], columns: Columns) -> None:
        self._looks = looks
        self._columns = columns
        at, look = columns.at, columns.look
        far = map(gt, map(sub, at[1:], at), repeat(_LONGEST_MICROS))
        breaks = map(or_, far, map(ne, look[1:], look))
        self._starts = [*([0] if at else []), *compress(count(1), breaks)]
        self._odd = _find_odd(columns.predictions, columns.failures)

    def hold(self, began: datetime, ended: datetime) -> Held:
        """Return for how long of a time each look speaks, and the gaps between them."""
        now, end = read_micros(began), read_micros(ended)
        held: dict[int, int] = {}
        gaps: list[tuple[int, int]] = []
        for place, seen, until in self._runs(now, end):
            if until <= now:
                continue
            if seen > now:
                gaps.append((now, seen))
                now = seen
            held[place] = held.get(place, 0) + until - now
            now = until
        if now < end:
            gaps.append((now, end))
        return Held(
            {self._looks[place]: timedelta(microseconds=it) for place, it in held.items()},
            tuple((write_micros(one), write_micros(two)) for one, two in gaps),
        )

    def count_answers(self, began: datetime, ended: datetime) -> Tally:
        """Return how far the counters grew up to looks in the time, restarts included.

        A counter that fell was started anew: all that it shows has been counted since.
        """
        at = self._columns.at
        first = max(bisect_right(at, read_micros(began)) - 1, 0)
        last = bisect_left(at, read_micros(ended))
        predictions, failures = self._columns.predictions, self._columns.failures
        if last - first > 1 and bisect_right(self._odd, first) == bisect_left(self._odd, last):
            grown = failures[last - 1] - failures[first]
            return Tally(predictions[last - 1] - predictions[first], grown)
        return _count_slowly(predictions[first:last], failures[first:last])

    def _runs(self, began: int, ended: int) -> Iterator[tuple[int, int, int]]:
        """Yield what each run says, from when until when, from the last one before the time on."""
        at, starts = self._columns.at, self._starts
        first = max(bisect_right(starts, began, key=at.__getitem__) - 1, 0)
        last = bisect_left(starts, ended, key=at.__getitem__)
        for start, after in zip(starts[first:last], [*starts[first + 1 :], None], strict=False):
            until = at[-1 if after is None else after - 1] + _LONGEST_MICROS
            until = until if after is None else min(until, at[after])
            yield self._columns.look[start], at[start], min(until, ended)


def _find_odd(predictions: "array[int]", failures: "array[int]") -> list[int]:
    """Return where a counter is below the one before, or unknown there or before."""
    if not any(_falters(column) for column in (predictions, failures)):
        return []
    faults = [map(gt, column, column[1:]) for column in (predictions, failures)]
    unseen = [map(gt, repeat(0), column[1:]) for column in (predictions, failures)]
    after = [map(gt, repeat(0), column) for column in (predictions, failures)]
    return list(compress(count(1), map(any, zip(*faults, *unseen, *after, strict=False))))


def _falters(column: "array[int]") -> bool:
    return bool(column) and (column[0] < 0 or any(map(gt, column, column[1:])))


def _count_slowly(predictions: "array[int]", failures: "array[int]") -> Tally:
    pairs = zip(predictions, predictions[1:], failures, failures[1:], strict=False)
    counted = [it for it in pairs if it[0] >= 0 <= it[1]]
    if not counted:
        return Tally()
    return Tally(
        sum(_growth(one, two) for one, two, _, _ in counted),
        sum(_growth(max(one, 0), max(two, 0)) for _, _, one, two in counted),
    )


def _growth(one: int, two: int) -> int:
    return two - one if two >= one else two


_LONGEST_MICROS = LONGEST // timedelta(microseconds=1)
