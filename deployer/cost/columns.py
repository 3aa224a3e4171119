"""Looks at one target by column: a million of them are read, kept and counted as numbers."""

from array import array
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import gt

from deployer.cost.sizing import Size

__all__ = ["NOT_SEEN", "Columns", "Look", "read_micros", "write_micros"]

NOT_SEEN = -1
"""Stands for None among counts, which are never below 0."""

Look = tuple[int | None, int | None, Size | None]
"""What a sample says of replicas, machines and use; many looks say the same."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def read_micros(moment: datetime) -> int:
    """Return the microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def write_micros(micros: int) -> datetime:
    """Return the moment so many microseconds after 1970, UTC."""
    return _EPOCH + timedelta(microseconds=micros)


class Columns:
    """What was seen of one target, a number per look and column.

    Attributes:
        at: Microseconds since 1970.
        look: Where in a list of different looks this one stands.
        predictions, failures: Counters; `NOT_SEEN` of what nobody counted.
        speeds: Where in this target's looks a speed was seen, then fast, timed and seconds.
    """

    __slots__ = ("at", "failures", "look", "predictions", "speeds")

    def __init__(self) -> None:
        self.at = array("q")
        self.look = array("i")
        self.predictions = array("q")
        self.failures = array("q")
        self.speeds: list[tuple[int, int, int, float]] = []

    def add_speed(self, fast: int, timed: int, seconds: float) -> None:
        """Add the speed of the look that was added last."""
        self.speeds.append((len(self.at) - 1, fast, timed, seconds))

    def sort(self) -> None:
        """Put the looks into the order of time; those of one moment stay as they came."""
        if not any(map(gt, self.at, islice(self.at, 1, None))):
            return
        order = sorted(range(len(self.at)), key=self.at.__getitem__)
        places = {old: new for new, old in enumerate(order)}
        for name in ("at", "look", "predictions", "failures"):
            column: array[int] = getattr(self, name)
            column[:] = array(column.typecode, (column[index] for index in order))
        moved = [(places[it[0]], it[1], it[2], it[3]) for it in self.speeds]
        self.speeds = sorted(moved)
