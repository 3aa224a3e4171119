"""Watching by looking again and again, for clusters whose objects are near at hand."""

from collections.abc import Callable, Generator, Mapping, Sequence

from deployer.ports import Clock, ObjectRef, Readiness

__all__ = ["EXPLAINING_LINES", "watch_by_looking"]

EXPLAINING_LINES = 8
"""Log lines that explain a failure: enough for a stack's end, few enough for one screen."""

_SECONDS = 0.25


def watch_by_looking(
    look: Callable[[ObjectRef], Readiness], refs: Sequence[ObjectRef], clock: Clock
) -> Generator[Mapping[ObjectRef, Readiness], None, None]:
    """See `Cluster.follow`: yield what ``look`` sees of each, four times a second."""
    while True:
        yield {ref: look(ref) for ref in refs}
        clock.sleep(_SECONDS)
