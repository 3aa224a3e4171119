"""Where a request is on its way."""

from enum import Enum, auto

__all__ = ["DONE", "PENDING", "QUEUED", "SEEKING", "SENDING", "STREAMING", "WAITING", "Phase"]


class Phase(Enum):
    """The steps of an exchange, in their order; it seeks again when an attempt has failed."""

    PENDING = auto()
    QUEUED = auto()
    SEEKING = auto()
    SENDING = auto()
    WAITING = auto()
    STREAMING = auto()
    DONE = auto()


# an enum looks its members up at every use; every request uses these several times
PENDING, QUEUED, SEEKING, SENDING, WAITING, STREAMING, DONE = Phase
