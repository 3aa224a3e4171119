"""What happened, with cause and effect: kept in memory, told in lines, appended to a file."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from deployer.ports import Clock
from deployer.values import Json

__all__ = ["KEPT", "Event", "EventLog", "Events", "Kind", "NamedEvents", "describe_shift"]

KEPT = 1000
"""Events in memory; weeks of them, as a healthy fleet makes none."""


class Kind(StrEnum):
    """What an event is about."""

    ROUTES = "routes"
    STATE = "state"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        boot: Differs after a restart, when ``seq`` begins again at 1.
        subject: A backend, a target, or what else changed.
        by: Who caused it: a witness of a backend's health, the routes, or a person's process.
        effect: Where new requests go because of it; empty when nothing moved.
    """

    boot: str
    seq: int
    at: datetime
    kind: Kind
    subject: str
    change: str
    cause: str = ""
    effect: str = ""
    by: str = ""

    def to_json(self) -> dict[str, Json]:
        """Return it with its time as ISO 8601 in UTC."""
        at = self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {**asdict(self), "at": at, "kind": str(self.kind)}

    def to_line(self) -> str:
        """Return it for people, without its time."""
        cause = f" ({self.cause})" if self.cause else ""
        effect = f"; {self.effect}" if self.effect else ""
        return f"{self.subject}: {self.change}{cause}{effect}"


class Events(Protocol):
    """Takes in what happens."""

    def add(
        self,
        kind: Kind,
        subject: str,
        change: str,
        *,
        cause: str = "",
        effect: str = "",
        by: str = "",
    ) -> None:
        """Take in what happened now."""
        ...


class NamedEvents:
    """See `Events`: puts a deployment's name before each subject, where there are several.

    Args:
        name: Returns it as it is known by now.
    """

    def __init__(self, log: Events, name: Callable[[], str]) -> None:
        self._log = log
        self._name = name

    def add(
        self,
        kind: Kind,
        subject: str,
        change: str,
        *,
        cause: str = "",
        effect: str = "",
        by: str = "",
    ) -> None:
        """See `Events.add`."""
        subject = f"{self._name()} {subject}"
        self._log.add(kind, subject, change, cause=cause, effect=effect, by=by)


class EventLog:
    """The last events, oldest first.

    A file is written when `flush` is called, so no request waits for a disk. When it can't be
    written that is told once, and the events stay in memory.

    Args:
        boot: What tells this router's events from those before a restart.
        tell: Told each event in one line.
        file: Where a JSON line per event is appended.
    """

    def __init__(
        self, clock: Clock, *, boot: str, tell: Callable[[str], None], file: Path | None = None
    ) -> None:
        self.boot = boot
        self._clock = clock
        self._tell = tell
        self._file = file
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._unwritten: list[Event] = []
        self._count = 0
        self._complained = False

    def add(
        self,
        kind: Kind,
        subject: str,
        change: str,
        *,
        cause: str = "",
        effect: str = "",
        by: str = "",
    ) -> None:
        """Take in what happened now."""
        self._count += 1
        at = self._clock.now()
        event = Event(self.boot, self._count, at, kind, subject, change, cause, effect, by)
        self._kept.append(event)
        if self._file is not None:
            self._unwritten.append(event)
        self._tell(event.to_line())

    def list_after(self, seq: int) -> list[Event]:
        """Return the events that are kept and younger than number ``seq``."""
        return [event for event in self._kept if event.seq > seq]

    def list_last(self, count: int) -> list[Event]:
        """Return the last ``count`` events."""
        return list(self._kept)[-count:]

    def flush(self) -> None:
        """Append what was not written yet to the file."""
        if self._file is None or not self._unwritten:
            return
        events, self._unwritten = self._unwritten, []
        lines = "".join(json.dumps(event.to_json()) + "\n" for event in events)
        try:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError as error:
            self._complain(f"events: {self._file} can't be written: {error.strerror}")

    def _complain(self, line: str) -> None:
        if not self._complained:
            self._tell(line)
        self._complained = True


def describe_shift(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """Return how the shares of new requests changed, in whole percents; empty when they did not."""
    if not any(after.values()):
        return "nothing is usable" if any(before.values()) else ""
    keys = dict.fromkeys([*before, *after])
    pairs = [(key, _percent(before.get(key)), _percent(after.get(key))) for key in keys]
    moved = [f"{key} {was} -> {now} %" for key, was, now in pairs if was != now]
    return f"new requests: {', '.join(moved)}" if moved else ""


def _percent(share: float | None) -> int:
    return round((share or 0.0) * 100)
