"""One HTTP exchange, for health checks and gates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

__all__ = ["Certificate", "HttpRequest", "HttpResponse", "Probe"]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to send; ``path`` starts with ``/``."""

    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Certificate:
    """From when until when a server's certificate holds, UTC."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back, whatever its status, and how long it took.

    Attributes:
        certificate: The server's own, which was accepted; None without TLS.
    """

    status: int
    body: bytes
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    certificate: Certificate | None = None


class Probe(Protocol):
    """Sends one request, follows nothing, retries nothing."""

    def send(self, base_url: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        """Exchange one request; at most 1 MiB of the answer is read.

        Raises:
            TransientError: No complete answer within the timeout; the message says which part
                failed (resolve, connect, TLS, first byte).
        """
        ...
