"""Telling people: a notice, and a channel that it goes out by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from deployer.values import Json

__all__ = ["Notice", "Notifier"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened and that somebody should know of, once.

    Attributes:
        id: Of the event: the same event has the same id, whoever tells of it and however often.
        kind: ``budget-exceeded``, ``budget-forecast``, ``budget-unknown`` or ``cost-anomaly``.
        deployment: Whose it is.
        target: Empty when it is of all targets together.
        title: One line.
        text: What happened, why, and what to do.
        at: When it was found.
        facts: The same in numbers, for programs.
    """

    id: str
    kind: str
    deployment: str
    target: str
    title: str
    text: str
    at: datetime
    facts: Mapping[str, Json] = field(default_factory=dict)


class Notifier(Protocol):
    """One channel. What it raises names the channel and its host, never a secret."""

    @property
    def channel(self) -> str:
        """Its name, as the spec has it: what is remembered of it is kept under this."""
        ...

    def send(self, notice: Notice) -> None:
        """Hand the notice over; when this returns, the other side has taken it.

        A notice that is sent twice carries the same id, by which a receiver can drop the second.

        Raises:
            TransientError: The other side is away or busy: it may work if tried again.
            AccessDeniedError: It does not take our login or our signature.
            NotFoundError: There is nobody at this address.
            ProviderError: It refused the notice.
            SetupError: A secret is missing, or the channel's address is not safe to send it to.
        """
        ...
