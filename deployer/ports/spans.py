"""Spans of requests, and where they go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["RequestSpan", "SpanEvent", "SpanSink"]


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened during a request, at a time of the monotonic clock."""

    name: str
    at: float
    attributes: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class RequestSpan:
    """One request, by the words of OpenTelemetry's conventions for HTTP servers.

    Attributes:
        trace_id: 128 bits, not 0. The other ids have 64.
        parent_id: None where the trace begins here.
        began: Of the monotonic clock, like ``ended``.
        failed: The answer was our or the backend's fault: 500 and above.
    """

    name: str
    trace_id: int
    span_id: int
    parent_id: int | None
    began: float
    ended: float
    attributes: Mapping[str, str | int]
    events: tuple[SpanEvent, ...] = ()
    failed: bool = False


class SpanSink(Protocol):
    """Takes spans without ever making a request wait; what it can't get rid of in time is lost."""

    def add(self, span: RequestSpan) -> None:
        """Take one in."""
        ...

    def close(self) -> None:
        """Send what is left, within seconds."""
        ...
