"""Progress of bytes: a bar on a terminal, one line of JSON now and then elsewhere; and a brake."""

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import typer

from deployer.cli.output import is_terminal

if TYPE_CHECKING:
    from deployer.ports import Clock

__all__ = ["Brake", "Meter", "parse_rate", "show_bytes"]

_QUIET_SECONDS = 2.0
"""What is done sooner says nothing, and nothing is said more often."""

_RATE = re.compile(r"(\d+(?:\.\d+)?)([KMG]?)(?:i?B)?(?:/s)?")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@contextmanager
def show_bytes(
    label: str, total: int | None, *, rate: int | None = None
) -> Iterator[Callable[[int], None]]:
    """Yield what to tell bytes as they are done; may be told from many threads.

    Args:
        label: What is done, one word.
        total: How many bytes there will be; None where that is not known, and no bar is drawn.
        rate: Bytes per second that are not exceeded for long: who tells more is held up.
    """
    from deployer.providers.local.clock import SystemClock

    clock = SystemClock()
    brake = Brake(rate, clock) if rate is not None else None
    with _shown(label, total, clock) as advance:

        def tell(count: int) -> None:
            advance(count)
            if brake is not None:
                brake.hold(count)

        yield tell


class Brake:
    """Holds whoever reports bytes up until a rate is kept, over all threads together."""

    def __init__(self, rate: int, clock: "Clock") -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = clock.monotonic()

    def hold(self, count: int) -> None:
        """Return when ``count`` more bytes are due."""
        with self._lock:
            self._free_at = max(self._free_at, self._clock.monotonic()) + count / self._rate
            seconds = self._free_at - self._clock.monotonic()
        if seconds > 0:
            self._clock.sleep(seconds)


class Meter:
    """Counts bytes, and says now and then how far it is, how fast, and how long it still takes."""

    def __init__(
        self, label: str, total: int | None, clock: "Clock", write: Callable[[str], None]
    ) -> None:
        self._label = label
        self._total = total
        self._clock = clock
        self._write = write
        self._lock = threading.Lock()
        self._begun = self._said = clock.monotonic()
        self._done = 0

    def advance(self, count: int) -> None:
        """Count; write a line when none was written for two seconds."""
        with self._lock:
            self._done += count
            now = self._clock.monotonic()
            if now - self._said >= _QUIET_SECONDS:
                self._said = now
                self._write(self._line(now))

    def end(self) -> None:
        """Write the last line, if there was any before it."""
        with self._lock:
            if self._said > self._begun:
                self._write(self._line(self._clock.monotonic()))

    def _line(self, now: float) -> str:
        rate = self._done / max(now - self._begun, 1e-9)
        left = None if self._total is None else max(0, self._total - self._done)
        document = {
            "schema": "deployer/progress/v1",
            "event": self._label,
            "bytes": self._done,
            "total": self._total,
            "bytes_per_second": round(rate),
            "eta_seconds": round(left / rate, 1) if rate and left is not None else None,
        }
        return json.dumps(document)


def parse_rate(text: str | None) -> int | None:
    """Return bytes per second from ``500K``, ``20M`` or ``1.5GiB/s``; powers of 1024.

    Raises:
        BadParameter: It is none, or zero.
    """
    if text is None:
        return None
    match = _RATE.fullmatch(text.strip())
    rate = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if not rate:
        raise typer.BadParameter(f"{text!r} is no rate: write 500K, 20M or 1G")
    return rate


def _shown(
    label: str, total: int | None, clock: "Clock"
) -> AbstractContextManager[Callable[[int], None]]:
    if not is_terminal():
        return _lines(label, total, clock)
    return nullcontext(lambda _count: None) if total is None else _bar(label, total)


@contextmanager
def _bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    lock = threading.Lock()
    with typer.progressbar(length=total, label=label, file=sys.stderr) as bar:

        def advance(count: int) -> None:
            with lock:
                bar.update(count)

        yield advance


@contextmanager
def _lines(label: str, total: int | None, clock: "Clock") -> Iterator[Callable[[int], None]]:
    meter = Meter(label, total, clock, lambda line: typer.echo(line, err=True))
    yield meter.advance
    meter.end()
