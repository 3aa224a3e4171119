"""What a person needs to see of an object that fails: its last events, the last log lines."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from deployer.ports import Manifest, ObjectRef

__all__ = ["describe_events", "events_of", "pick_pod"]

_EVENTS = 5
_WORDS = 160


def describe_events(events: Sequence[Manifest], now: datetime) -> list[str]:
    """Return the last events, oldest first, one line each: age, reason, how often, of what, why.

    Warnings go first when there are more than a screen takes.
    """
    newest = sorted(events, key=lambda each: (each.get("type") == "Warning", _seen(each)))[
        -_EVENTS:
    ]
    return [_describe(each, now) for each in sorted(newest, key=_seen)]


def pick_pod(pods: Sequence[Manifest], is_ready: Callable[[Manifest], bool]) -> Any:
    """Return the pod that tells most: one that is not ready and is not leaving; else the newest."""
    troubled = (
        pod for pod in pods if not is_ready(pod) and not pod["metadata"].get("deletionTimestamp")
    )
    return next(troubled, None) or next(iter(pods), None)


def events_of(ref: ObjectRef) -> str:
    """Return the field selector of an object's events."""
    return f"involvedObject.kind={ref.kind},involvedObject.name={ref.name}"


def _describe(event: Manifest, now: datetime) -> str:
    count = int((event.get("series") or {}).get("count") or event.get("count") or 1)
    often = f" ×{count}" if count > 1 else ""  # noqa: RUF001 - times
    about = event["involvedObject"]
    words = " ".join(str(event.get("message", "")).split())[:_WORDS]
    age = f"{max(0, round((now - _time(event)).total_seconds()))} s ago"
    return f"{age:>8}  {event.get('reason', '')}{often}  {about['kind']}/{about['name']}: {words}"


def _seen(event: Manifest) -> str:
    series = (event.get("series") or {}).get("lastObservedTime")
    found = series or event.get("lastTimestamp") or event.get("eventTime")
    return str(found or event["metadata"]["creationTimestamp"])


def _time(event: Manifest) -> datetime:
    return datetime.fromisoformat(_seen(event))
