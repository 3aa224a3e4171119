"""What an apply is asked, and what it answers, object by object and field by field."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from deployer.errors import ProviderError
from deployer.ports.manifest import ObjectRef

__all__ = [
    "PLAIN",
    "Applied",
    "ApplyOptions",
    "ApplyResult",
    "FieldDiff",
    "FieldOwner",
    "Policy",
]


class Applied(StrEnum):
    """What an apply did, or would do."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class Policy(StrEnum):
    """What to do about a field that another manager owns and holds at another value."""

    FAIL = "fail"
    YIELD = "yield"
    FORCE = "force"


@dataclass(frozen=True, slots=True)
class FieldOwner:
    """A field that another manager holds: ``spec.replicas``, ``kubectl-edit``.

    Attributes:
        subresource: Through which it was written, such as ``scale``; empty for the object itself.
    """

    path: str
    manager: str
    subresource: str = ""

    def __str__(self) -> str:
        through = f" ({self.subresource})" if self.subresource else ""
        return f'{self.path} is owned by "{self.manager}"{through}'


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field, live and wanted, each as short JSON; None where it is not there.

    What a Secret holds is never shown: only that it differs.
    """

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What became of one object of many.

    Attributes:
        applied: None when it failed; ``error`` says why.
        fields: What changed or would; empty for an object that is new.
        yielded: Fields that were left to their owners, by a policy or because an autoscaler's.
        conflicts: Fields that others own at another value, and that no policy speaks of. Only of a
            dry run; a real apply fails of them.
    """

    ref: ObjectRef
    applied: Applied | None
    fields: tuple[FieldDiff, ...] = ()
    yielded: tuple[FieldOwner, ...] = ()
    conflicts: tuple[FieldOwner, ...] = ()
    error: ProviderError | None = None


def _allow() -> None:
    """Nobody has to be asked."""


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How many objects are applied.

    Attributes:
        policies: By ``[group/version/]Kind:field``, such as ``Deployment:spec.replicas``.
        dry_run: Change nothing; say what would be.
        member_of: The ApplySet the objects belong to; empty for none. An object that is in another
            set, or that a controller owns, is a conflict.
        guard: Asked after every look at the cluster and before what is written because of it; what
            it raises ends the apply.
    """

    policies: Mapping[str, Policy] = field(default_factory=dict)
    dry_run: bool = False
    member_of: str = ""
    guard: Callable[[], None] = _allow


PLAIN = ApplyOptions()
"""For real, no policies, nobody to ask."""
