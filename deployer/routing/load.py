"""How busy a backend is: what is in flight, how long it took lately, and where it is full."""

import math

__all__ = ["DEFAULT_LIMIT", "Load"]

DEFAULT_LIMIT = 1024
"""Requests in flight at one backend, as Envoy's circuit breaker has it."""

_DECAY_SECONDS = 10.0
_PENALTY_SECONDS = 1.0
_FLOOR_SECONDS = 0.001


class Load:
    """A peak-sensitive moving average of latency, times what is in flight.

    A measurement above the average replaces it at once, one below pulls it down slowly, and without
    any it is forgotten: a backend that was slow is tried again (the peak EWMA of Finagle). What is
    refused or fails counts as one second, else failing fast would look attractive.
    """

    __slots__ = ("_at", "_cost", "in_flight", "limit")

    def __init__(self, *, limit: int = DEFAULT_LIMIT) -> None:
        self.in_flight = 0
        self.limit = limit
        self._cost = 0.0
        self._at = 0.0

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be sent there until something ends."""
        return self.in_flight >= self.limit

    def observe(self, seconds: float, now: float) -> None:
        """Take in how long an answer took."""
        kept = math.exp((self._at - now) / _DECAY_SECONDS) if now > self._at else 1.0
        faded = self._cost * kept
        self._cost = seconds if seconds > faded else faded + seconds * (1.0 - kept)
        self._at = now

    def penalize(self, now: float) -> None:
        """Take in that it answered with nothing of use."""
        self.observe(max(_PENALTY_SECONDS, self._fade(now)), now)

    def score(self, now: float) -> float:
        """Return what one more request would meet, in seconds; smaller is better."""
        return max(_FLOOR_SECONDS, self._fade(now)) * (self.in_flight + 1)

    def _fade(self, now: float) -> float:
        return self._cost * math.exp(-max(0.0, now - self._at) / _DECAY_SECONDS)
