"""What a release's traffic must be like beside the old one's, by the analysis gate. Pure."""

from collections.abc import Iterator

from deployer.release.gates import AnalysisRecord
from deployer.snapshot.router_counts import RouterTally

__all__ = ["describe_traffic", "find_faults"]


def find_faults(gate: AnalysisRecord, new: RouterTally, old: RouterTally | None) -> Iterator[str]:
    """Yield every limit that is crossed, and those of which nothing can be said."""
    rate = new.error_rate or 0.0
    if gate.error_rate is not None and rate > gate.error_rate:
        yield f"{rate:.2%} of requests failed, {gate.error_rate:.2%} may"
    yield from _compare_failures(gate, rate, old)
    yield from _time(gate, new)
    yield from _compare_times(gate, new, old)


def describe_traffic(gate: AnalysisRecord, tally: RouterTally) -> str:
    """Return what was seen, in a few words."""
    words = [f"{tally.requests} requests", f"{tally.error_rate or 0.0:.2%} failed"]
    speed = tally.speed(gate.under)
    if speed is not None and speed.timed:
        words.append(f"{speed.fast / speed.timed:.2%} within {speed.seconds:g} s")
    return ", ".join(words)


_NOTHING = "there is nothing to compare with: the router knows no traffic of the old release"


def _compare_failures(gate: AnalysisRecord, rate: float, old: RouterTally | None) -> Iterator[str]:
    if gate.worse is None:
        return
    before = old.error_rate if old is not None else None
    if before is None:
        yield _NOTHING
    elif rate > before + gate.worse:
        yield (
            f"{rate:.2%} of requests failed, {before:.2%} of the old release's; "
            f"{gate.worse:.2%} more may"
        )


def _time(gate: AnalysisRecord, new: RouterTally) -> Iterator[str]:
    if gate.under is None or gate.share is None:
        return
    share = _in_time(gate, new)
    if share is None:
        yield "the router does not count how fast answers begin"
    elif share < gate.share:
        yield f"{share:.2%} of answers began within {gate.under:g} s, {gate.share:.2%} must"


def _compare_times(
    gate: AnalysisRecord, new: RouterTally, old: RouterTally | None
) -> Iterator[str]:
    if gate.slower is None:
        return
    share, before = _in_time(gate, new), _in_time(gate, old)
    if share is None:
        return  # that is said already
    if before is None:
        yield _NOTHING
    elif share < before - gate.slower:
        yield (
            f"{share:.2%} of answers began within {gate.under:g} s, {before:.2%} of the old "
            f"release's; {gate.slower:.2%} fewer may"
        )


def _in_time(gate: AnalysisRecord, tally: RouterTally | None) -> float | None:
    speed = tally.speed(gate.under) if tally is not None else None
    return speed.fast / speed.timed if speed is not None and speed.timed else None
