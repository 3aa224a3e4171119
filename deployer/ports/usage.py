"""What pods use, as somebody measured it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

__all__ = ["UsageSource", "Used"]


@dataclass(frozen=True, slots=True)
class Used:
    """What the pods of one workload use together; ``source`` measured it."""

    vcpu: Decimal
    memory_gib: Decimal
    source: str


@runtime_checkable
class UsageSource(Protocol):
    """Measures what runs."""

    def measure(self, workload: str, *, timeout_seconds: float) -> Used:
        """Return what the pods of a Deployment use now.

        Raises:
            NotFoundError: Nobody measures there, or nothing of this workload.
            AccessDeniedError, TransientError: It cannot be asked.
        """
        ...
