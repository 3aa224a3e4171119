"""Everything that can go wrong, in one tree, branched by what the reader does next.

    DeployerError
    ├── SpecError                 edit the file: lists every fault, each with its place
    ├── SourceError               mend the model folder or the argument
    ├── SetupError                install something, log in, create the bucket
    ├── ProviderError             a cloud said no: operation, resource
    │   ├── NotFoundError
    │   ├── AlreadyExistsError
    │   ├── PreconditionError     somebody else wrote in between
    │   ├── FieldConflictError    another manager holds a field of the object
    │   ├── AccessDeniedError
    │   │   └── ExpiredLoginError     the login was good once
    │   ├── QuotaError
    │   └── TransientError        the only one that is retried
    ├── IntegrityError            the bytes are not the bytes that were promised
    ├── BudgetError               a month would cost more than the spec allows
    ├── RolloutError              a release did not prove itself
    ├── NoHealthyTargetError      nowhere left to send a request
    ├── StateError                the recorded state cannot be read or is newer than this program
    ├── PlanMovedError            what the plan was made from has changed since
    ├── LeaseHeldError            another run has the right to change this deployment
    └── LeaseLostError            this run had it and another took it

``message`` is one sentence of what failed, where and why; ``hint`` is what to do about it.
Neither ever carries a credential or a response body.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

__all__ = [
    "AccessDeniedError",
    "AlreadyExistsError",
    "BudgetError",
    "DeployerError",
    "ExpiredLoginError",
    "Fault",
    "FieldConflictError",
    "IntegrityError",
    "LeaseHeldError",
    "LeaseLostError",
    "NoHealthyTargetError",
    "NotFoundError",
    "PlanMovedError",
    "PreconditionError",
    "ProviderError",
    "QuotaError",
    "RolloutError",
    "SetupError",
    "SourceError",
    "SpecError",
    "StateError",
    "TransientError",
]


class DeployerError(Exception):
    """The root: whatever the command line prints as one paragraph."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a file: where (1-based line and column, dotted path), and what."""

    line: int
    column: int
    path: str
    message: str


class SpecError(DeployerError):
    """The spec is wrong: ``faults`` holds all that was found, in the order of the file."""

    def __init__(
        self, message: str, *, file: Path, faults: Sequence[Fault] = (), hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.faults = tuple(faults)


class SourceError(DeployerError):
    """The model's files cannot be deployed as they are."""


class SetupError(DeployerError):
    """Something outside the spec is missing: an extra, a login, a bucket, a program."""


class ProviderError(DeployerError):
    """A provider refused ``operation`` on ``resource``, for a reason without a class of its own."""

    def __init__(
        self, message: str, *, operation: str, resource: str, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.operation = operation
        self.resource = resource


class NotFoundError(ProviderError):
    """It is not there. Never used for "forbidden" or "throttled"."""


class AlreadyExistsError(ProviderError):
    """A create-only write found something there."""


class PreconditionError(ProviderError):
    """The version to be replaced is not the version that is there."""


class FieldConflictError(ProviderError):
    """Somebody else manages a field, or the whole object. Trying again does not help."""


class AccessDeniedError(ProviderError):
    """The caller is not known or not allowed."""


class ExpiredLoginError(AccessDeniedError):
    """The login was good once: reading it again, once, may help."""


class QuotaError(ProviderError):
    """A limit of the account or the cluster is reached; waiting alone does not help."""


class TransientError(ProviderError):
    """It may work if tried again; ``retry_after_seconds`` is the provider's own advice."""

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        resource: str,
        hint: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, operation=operation, resource=resource, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class IntegrityError(DeployerError):
    """Bytes differ from the digest that was promised; nothing was published."""


class BudgetError(DeployerError):
    """The plan is above the budget, or not shown to be within it; nothing was changed."""


class RolloutError(DeployerError):
    """A release did not prove itself; ``undone`` says whether all it changed was put back."""

    def __init__(
        self, message: str, *, release: int | None, undone: bool = True, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.release = release
        self.undone = undone


class NoHealthyTargetError(DeployerError):
    """No backend could take a request; ``attempts`` says each that was tried and why not."""

    def __init__(
        self, message: str, *, attempts: Sequence[str] = (), hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.attempts = tuple(attempts)


class StateError(DeployerError):
    """The recorded state cannot be read by a majority, or was written by a newer program."""


class PlanMovedError(DeployerError):
    """The plan was made from a state that is no longer there (G5). Nothing was changed."""


class LeaseHeldError(DeployerError):
    """Another run holds the lease: ``holder``, until ``expires_at`` unless it renews."""

    def __init__(
        self, message: str, *, holder: str, expires_at: datetime, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.holder = holder
        self.expires_at = expires_at


class LeaseLostError(DeployerError):
    """Another run took over; this one has stopped writing."""
