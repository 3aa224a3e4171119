"""A run's journal: a line before and after each step, so that another process can go on."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from deployer.ports import Clock
from deployer.release.records import Entry
from deployer.release.state import StateStore
from deployer.values import Json

__all__ = ["About", "Journal", "begun"]

_Kind = Literal["plan", "begin", "done", "failed", "undo", "finish", "takeover"]


@dataclass(frozen=True, slots=True)
class About:
    """Which step of a run is meant; a step that concerns all targets has none."""

    phase: str = ""
    step: str = ""
    target: str = ""


_NOTHING = About()


class Journal:
    """Appends to a run's journal under a fencing token; safe from many threads."""

    def __init__(self, state: StateStore, run: str, token: int, clock: Clock) -> None:
        self.run = run
        self._state = state
        self._token = token
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 1

    def write(
        self,
        event: _Kind,
        about: About = _NOTHING,
        *,
        detail: str = "",
        data: Json = None,
    ) -> None:
        """Append a line; it counts when a majority of the stores has it."""
        self._state.append_entry(
            Entry(
                run=self.run,
                seq=self._take_number(),
                token=self._token,
                at=self._clock.now(),
                event=event,
                phase=about.phase,
                step=about.step,
                target=about.target,
                detail=detail,
                data=data,
            )
        )

    def read(self) -> list[Entry]:
        """Return all lines of the run, those of processes before this one included."""
        return self._state.read_journal(self.run)

    def _take_number(self) -> int:
        with self._lock:
            number = self._next
            self._next += 1
            return number


def begun(entries: Iterable[Entry], step: str) -> set[str]:
    """Return the targets on which ``step`` was begun."""
    return {entry.target for entry in entries if entry.event == "begin" and entry.step == step}
