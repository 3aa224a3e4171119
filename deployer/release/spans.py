"""What was live when: spans that follow what a head says is live, from write to write."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deployer.release.records import Span

__all__ = ["KEPT", "follow_live"]

KEPT = timedelta(days=400)
"""A year and a month, so that a month can be compared with the same one of the year before."""


def follow_live(spans: Sequence[Span], live: Mapping[str, int], now: datetime) -> tuple[Span, ...]:
    """Return the spans after ``live`` became true ``now``.

    A span whose release is not live any more ends, one begins where a release is newly live, and
    what ended longer ago than `KEPT` goes.
    """
    followed = [_end(span, live, now) for span in spans]
    open_spans = {(span.target, span.release) for span in followed if span.ended is None}
    begun = [
        Span(target=target, release=release, began=now)
        for target, release in sorted(live.items())
        if (target, release) not in open_spans
    ]
    return tuple(
        span for span in (*followed, *begun) if span.ended is None or now - span.ended <= KEPT
    )


def _end(span: Span, live: Mapping[str, int], now: datetime) -> Span:
    if span.ended is not None or live.get(span.target) == span.release:
        return span
    return span.model_copy(update={"ended": now})
