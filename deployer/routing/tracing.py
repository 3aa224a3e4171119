"""One span per request: the caller's trace is continued, and the backend continues ours.

The header is W3C Trace Context's ``traceparent``, level 1. A caller that says it does not sample is
obeyed: nothing is kept, and its header goes on as it came. Nothing of a body, a query or a key gets
into a span.
"""

import random
import re
from dataclasses import dataclass, field

from deployer.ports import RequestSpan, SpanEvent, SpanSink
from deployer.routing.fields import drop_lines
from deployer.routing.messages import RequestHead, origin_form
from deployer.routing.passage import Passage

__all__ = ["Tracer"]

_HEADER = b"traceparent:"
_IDS = rb"-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})"
_PARENT = re.compile(rb"00" + _IDS)
_LATER_PARENT = re.compile(
    rb"(?!00|ff)[0-9a-f]{2}" + _IDS + rb"(?:-.*)?"
)  # may say more at its end
_SAMPLED = 1
_FAILED = 500


@dataclass(slots=True)
class _Open:
    """A request that is under way."""

    trace_id: int
    span_id: int
    parent_id: int | None
    events: list[SpanEvent] = field(default_factory=list)


class Tracer:
    """Follows requests from their heads to their ends; each is ended once."""

    def __init__(self, sink: SpanSink, rng: random.Random) -> None:
        self._sink = sink
        self._rng = rng
        self._open: dict[int, _Open] = {}  # by the passage, which lives until its end

    def begin(self, passage: Passage) -> None:
        """Take up the caller's trace, or begin one, and write it into what is passed on."""
        head = passage.request.head
        given = [line for line in head.lines.splitlines() if line.lower().startswith(_HEADER)]
        parent = _read_parent(given)
        if parent is None:
            opened = _Open(self._rng.getrandbits(128) or 1, self._make_id(), None)
        else:
            trace_id, parent_id, flags = parent
            if not flags & _SAMPLED:
                return
            opened = _Open(trace_id, self._make_id(), parent_id)
        self._open[id(passage)] = opened
        # tracestate is only valid beside the traceparent it came with, which goes on
        kept = drop_lines(head.lines, (_HEADER,))
        written = b"traceparent: 00-%032x-%016x-01\r\n" % (opened.trace_id, opened.span_id)
        head.lines = kept + written

    def attempt(self, passage: Passage, now: float) -> None:
        """Note that the last of ``passage.tried`` is tried."""
        opened = self._open.get(id(passage))
        if opened is not None:
            tried = passage.tried
            about: dict[str, str | int] = {"deployer.target": tried[-1], "attempt": len(tried)}
            opened.events.append(SpanEvent("attempt", now, about))

    def fail(self, passage: Passage, now: float) -> None:
        """Note what went wrong last."""
        opened = self._open.get(id(passage))
        if opened is not None:
            opened.events.append(SpanEvent("failure", now, {"reason": passage.failures[-1]}))

    def end(self, passage: Passage, status: int, now: float) -> None:
        """Give the span away."""
        opened = self._open.pop(id(passage), None)
        if opened is None:
            return
        head = passage.request.head
        method = head.method.decode("ascii", "replace")
        self._sink.add(
            RequestSpan(
                name=method,
                trace_id=opened.trace_id,
                span_id=opened.span_id,
                parent_id=opened.parent_id,
                began=passage.began,
                ended=now,
                attributes=_describe(passage, head, method, status),
                events=tuple(opened.events),
                failed=status >= _FAILED,
            )
        )

    def _make_id(self) -> int:
        return self._rng.getrandbits(64) or 1


def _read_parent(lines: list[bytes]) -> tuple[int, int, int] | None:
    """Return trace, parent and flags; None where there is no valid one, or more than one."""
    if len(lines) != 1:
        return None
    value = lines[0][len(_HEADER) :].strip()
    found = _PARENT.fullmatch(value) or _LATER_PARENT.fullmatch(value)
    if found is None:
        return None
    trace_id, parent_id, flags = (int(part, 16) for part in found.groups())
    return (trace_id, parent_id, flags) if trace_id and parent_id else None


def _describe(
    passage: Passage, head: RequestHead, method: str, status: int
) -> dict[str, str | int]:
    path = origin_form(head.target).partition(b"?")[0]
    about: dict[str, str | int] = {
        "http.request.method": method,
        "url.path": path.decode("ascii", "replace"),
        "http.response.status_code": status,
        "http.request.resend_count": max(0, len(passage.tried) - 1),
        "deployer.request_id": passage.request.ident.decode("ascii", "replace"),
    }
    if passage.tried:
        about["deployer.target"] = passage.tried[-1]
    if status >= _FAILED:
        about["error.type"] = str(status)
    return about
