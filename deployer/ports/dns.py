"""DNS that answers one name with several targets: what is wanted, and a zone that can have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["DnsAnswer", "DnsChange", "DnsName", "DnsPolicy", "DnsProbe", "DnsZone"]


class DnsPolicy(StrEnum):
    """How a name's answers are chosen: by weight, or the second only while the first is down."""

    WEIGHTED = "weighted"
    FAILOVER = "failover"


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """One target's answer.

    Attributes:
        address: An IP address, or a host name for a CNAME.
        tier: For failover: the lower one is first.
    """

    target: str
    address: str
    weight: int = 1
    tier: int = 0


@dataclass(frozen=True, slots=True)
class DnsProbe:
    """How the provider asks whether an answer is well.

    Attributes:
        failures: In a row, before an answer is left out.
    """

    tls: bool
    port: int
    path: str
    interval_seconds: int
    failures: int


@dataclass(frozen=True, slots=True)
class DnsName:
    """A name and its answers, all of one record type.

    Attributes:
        name: Absolute, in lower case, with its last dot.
        type: ``A``, ``AAAA`` or ``CNAME``.
    """

    name: str
    type: str
    ttl_seconds: int
    policy: DnsPolicy
    answers: tuple[DnsAnswer, ...]
    probe: DnsProbe

    @property
    def failover_seconds(self) -> int:
        """How long resolvers that keep to the TTL may be sent to a target that is gone."""
        return self.probe.interval_seconds * self.probe.failures + self.ttl_seconds


@dataclass(frozen=True, slots=True)
class DnsChange:
    """One thing that is, or would be, done: ``create``, ``change`` or ``remove``."""

    action: str
    what: str
    detail: str = ""


class DnsZone(Protocol):
    """One zone of a provider. Only what it made itself is ever changed or removed.

    Every method may raise `AccessDeniedError`, `NotFoundError`, `QuotaError`, `TransientError` or
    `SetupError`.
    """

    def put(self, wanted: DnsName, *, dry_run: bool = False) -> Sequence[DnsChange]:
        """Make it so and read it back; nothing is done where nothing differs.

        Checks are there before the records that need them, and records go before their checks, so
        that a run that was killed leaves nothing that does not work.

        Raises:
            AlreadyExistsError: Records of this name are somebody else's.
            SourceError: The provider can't express it; nothing was done.
        """
        ...

    def remove(self, name: str, *, dry_run: bool = False) -> Sequence[DnsChange]:
        """Remove what was made for the name; what is somebody else's stays."""
        ...
