"""What the engine tells while it works; whoever listens decides how it looks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Event", "Tell", "Waiting"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One object that is waited for: what it does, for how long already, and why."""

    name: str
    state: str
    seconds: float
    message: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: ``run`` and ``phase`` frame the steps; ``bytes`` counts what was sent; ``waiting``
            says what a step waits for now; ``stopped`` is a step that was given up because another
            target failed.
        step: ``push``, ``apply``, …; empty for ``run`` and ``phase``.
        target: Empty for what concerns all.
        seconds: How long the step took, for ``done``, ``failed`` and ``stopped``.
        objects: For ``waiting``, what is not ready; those that hold up the rest first.
    """

    kind: Literal[
        "run", "phase", "begin", "bytes", "waiting", "done", "failed", "stopped", "undo", "takeover"
    ]
    phase: str = ""
    step: str = ""
    target: str = ""
    detail: str = ""
    seconds: float = 0.0
    count: int = 0
    objects: tuple[Waiting, ...] = ()


Tell = Callable[[Event], None]
"""Called from several threads; must not block for long and must not raise."""
