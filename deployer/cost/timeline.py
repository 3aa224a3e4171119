"""The samples of one target in the order of time: what held when, and what was answered."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from deployer.cost.samples import Sample

__all__ = ["LONGEST", "Stretch", "Tally", "Timeline"]

LONGEST = timedelta(hours=1)
"""A sample speaks for the time after it, at most so long: beyond that nobody looked."""


class Stretch(NamedTuple):
    """A time for which one sample speaks; None where none does: a gap."""

    began: datetime
    ended: datetime
    sample: Sample | None


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
    """Samples of one target; questions cost what they answer, however many there are."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = sorted(samples, key=lambda sample: sample.at)
        self._times = [sample.at for sample in self._samples]

    def __bool__(self) -> bool:
        return bool(self._samples)

    def stretch(self, began: datetime, ended: datetime) -> Iterator[Stretch]:
        """Cut a time into what each sample speaks for, and gaps between them."""
        inside = self._between(began, ended)
        nexts = [*(it.at for it in inside), ended][1:]
        now = began
        for sample, following in zip(inside, nexts, strict=True):
            until = min(following, sample.at + LONGEST, ended)
            if until <= now:
                continue
            if sample.at > now:
                yield Stretch(now, sample.at, None)
            yield Stretch(max(now, sample.at), until, sample)
            now = until
        if now < ended:
            yield Stretch(now, ended, None)

    def count_answers(self, began: datetime, ended: datetime) -> Tally:
        """Return how far the counters grew up to samples in the time, restarts included."""
        pairs = [
            (one, two)
            for one, two in pairwise(self._between(began, ended))
            if one.predictions is not None and two.predictions is not None and two.at > began
        ]
        if not pairs:
            return Tally()
        return Tally(
            sum(_growth(one.predictions, two.predictions) for one, two in pairs),
            sum(_growth(one.failures, two.failures) for one, two in pairs),
        )

    def _between(self, began: datetime, ended: datetime) -> Sequence[Sample]:
        """Return the samples in the time, and the last one before it."""
        first = max(bisect_right(self._times, began) - 1, 0)
        return self._samples[first : bisect_left(self._times, ended)]


def _growth(before: int | None, after: int | None) -> int:
    """A counter that fell was started anew: all that it shows has been counted since."""
    first, last = before or 0, after or 0
    return last - first if last >= first else last
