"""Tells a run as it happens: one line per event, or on a terminal one line per target in place."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deployer.cli import output
from deployer.cli.waiting import Changes, format_rows

if TYPE_CHECKING:
    from deployer.execution import Event, Waiting

__all__ = ["narrate"]

_WORDS = {
    "push": "artifact",
    "apply": "apply",
    "wait": "ready",
    "smoke": "smoke",
    "ask": "answers",
    "evaluate": "evaluate",
    "parity": "parity",
    "open": "address",
    "share": "canary",
    "hold": "hold",
    "shift": "traffic",
    "route": "routes",
    "soak": "soak",
    "rest": "scale",
    "retire": "retire",
    "finish": "record",
}


@contextmanager
def narrate(*, quiet: bool) -> Iterator["_Narrator"]:
    """Yield a listener for the engine; on a terminal, clean up its lines at the end."""
    narrator = _Narrator(quiet=quiet, live=output.is_terminal() and not quiet)
    try:
        yield narrator
    finally:
        narrator.close()


class _Narrator:
    """Called from several threads."""

    def __init__(self, *, quiet: bool, live: bool) -> None:
        self._quiet = quiet
        self._live = live
        self._lock = threading.Lock()
        self._sent: dict[str, int] = {}
        self._now: dict[str, str] = {}
        self._objects: dict[str, Sequence[Waiting]] = {}
        self._changes = Changes()
        self._drawn = 0

    def __call__(self, event: "Event") -> None:
        with self._lock:
            self._now.pop("", None)
            line = self._line(event)
            if self._quiet:
                return
            self._erase()
            if line:
                sys.stderr.write(line + "\n")
            self._draw()
            sys.stderr.flush()

    def say(self, text: str) -> None:
        """On a terminal, show what is going on before the first event: within 200 ms."""
        with self._lock:
            self._erase()
            self._now[""] = f"{text} …"
            self._draw()
            sys.stderr.flush()

    def close(self) -> None:
        """Remove the lines that were drawn in place."""
        with self._lock:
            self._erase()
            sys.stderr.flush()

    def _line(self, event: "Event") -> str:
        """Note what the event says of its target; return the line that stays, if any."""
        who = event.target or "all targets"
        word = _WORDS.get(event.step, event.step)
        self._note(event, who, word)
        took = output.format_duration(event.seconds)
        lines = {
            "done": f"  {who:<16}  {word:<9} ✓ done    {event.detail}  ({took})",
            "failed": f"  {who:<16}  {word:<9} ✗ failed  {event.detail}",
            "stopped": f"  {who:<16}  {word:<9} – stopped  {event.detail}",  # noqa: RUF001 - a dash
            "undo": f"undoing: {event.detail}",
            "takeover": f"going on with an unfinished {event.detail}",
            "run": event.detail,
        }
        if event.kind == "waiting" and not self._live:
            return "\n".join(self._changes.find(who, word, event.objects))
        return lines.get(event.kind, "")

    def _note(self, event: "Event", who: str, word: str) -> None:
        self._objects[who] = event.objects
        if event.kind == "begin":
            self._now[who] = f"{word} …"
        elif event.kind == "waiting":
            self._now[who] = f"{word} …" if event.objects else f"{word} … {event.detail}"
        elif event.kind == "bytes":
            self._sent[who] = self._sent.get(who, 0) + event.count
            self._now[who] = f"{word} … {output.format_bytes(self._sent[who])} sent"
        else:
            self._now.pop(who, None)

    def _erase(self) -> None:
        if self._live and self._drawn:
            sys.stderr.write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0

    def _draw(self) -> None:
        if not self._live:
            return
        lines = []
        for who, text in self._now.items():
            lines += [f"  {who:<16}  {text}", *format_rows(self._objects.get(who, ()))]
        for line in lines:
            sys.stderr.write(line[: output.count_columns() - 1] + "\n")
        self._drawn = len(lines)
