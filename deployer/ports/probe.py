"""One HTTP exchange, for health checks and gates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["HttpRequest", "HttpResponse", "Probe"]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to send; ``path`` starts with ``/``."""

    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back, whatever its status, and how long it took."""

    status: int
    body: bytes
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)


class Probe(Protocol):
    """Sends one request, follows nothing, retries nothing."""

    def send(self, base_url: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        """Exchange one request; at most 1 MiB of the answer is read.

        Raises:
            TransientError: No complete answer within the timeout; the message says which part
                failed (resolve, connect, TLS, first byte).
        """
        ...
