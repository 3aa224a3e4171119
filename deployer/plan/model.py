"""A plan as data: phases of typed steps; shown, saved, journaled and run as it is."""

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import Field

from deployer.cost.budget import BudgetVerdict
from deployer.cost.change import PlanCost
from deployer.ports import ObjectRef
from deployer.release.record import Document, Record
from deployer.release.records import Bundle

__all__ = [
    "Apply",
    "Ask",
    "Change",
    "Evaluate",
    "Finish",
    "Hold",
    "Open",
    "Parity",
    "Phase",
    "Plan",
    "Push",
    "Ref",
    "Rest",
    "Retire",
    "Route",
    "Share",
    "Shift",
    "Smoke",
    "Soak",
    "Step",
    "TargetPlan",
    "Wait",
]


class Ref(Record):
    """A Kubernetes object by name."""

    api_version: str
    kind: str
    name: str

    @classmethod
    def of(cls, ref: ObjectRef) -> "Ref":
        """Return ``ref`` as it is written down."""
        return cls(api_version=ref.api_version, kind=ref.kind, name=ref.name)


class Push(Record):
    """Put the artifact into the target's store, verified, or find it there."""

    kind: Literal["push"] = "push"
    target: str
    release: int


class Apply(Record):
    """Apply the release's objects; none of them takes traffic.

    ``pods``: start with so many, though an autoscaler may have fewer.
    """

    kind: Literal["apply"] = "apply"
    target: str
    release: int
    pods: int | None = None


class Wait(Record):
    """Wait until the release's workload is ready."""

    kind: Literal["wait"] = "wait"
    target: str
    release: int
    timeout_seconds: float


class Smoke(Record):
    """Send real predictions to the release itself, not through the router."""

    kind: Literal["smoke"] = "smoke"
    target: str
    release: int


class Ask(Record):
    """Ask the release itself for its answers, for the gates that judge them."""

    kind: Literal["ask"] = "ask"
    target: str
    release: int


class Evaluate(Record):
    """Judge the answers to the hold-out set, and compare them with the ``champion``'s."""

    kind: Literal["evaluate"] = "evaluate"
    target: str
    release: int
    champion: int | None = None


class Parity(Record):
    """Compare the target's answers with those of the others."""

    kind: Literal["parity"] = "parity"
    target: str
    release: int


class Open(Record):
    """Make what leads to the release beside the stable way in, and wait until it answers."""

    kind: Literal["open"] = "open"
    target: str
    release: int


class Share(Record):
    """Tell the routers to send the release a part of what some targets get.

    Attributes:
        release: The canary.
        stable: The release whose weights and settings routers go on to follow; 0 for none.
        live: What each target serves, and goes on to serve.
        shares: Thousandths for the canary, by target; none takes all traffic back.
        settle_seconds: How long to wait afterwards, for routers to follow.
    """

    kind: Literal["share"] = "share"
    target: Literal[""] = ""
    release: int
    stable: int
    live: dict[str, int]
    shares: dict[str, int] = Field(default_factory=dict)
    drained: tuple[str, ...] = ()
    settle_seconds: float = 0.0


class Hold(Record):
    """Watch a canary at one step of its traffic, beside the ``stable`` release."""

    kind: Literal["hold"] = "hold"
    target: str
    release: int
    stable: int
    percent: int
    seconds: float


class Shift(Record):
    """Point the target's stable Service to the release, and see its endpoints follow.

    Users feel this one.
    """

    kind: Literal["shift"] = "shift"
    target: str
    release: int


class Route(Record):
    """Tell the routers which release each target serves, and its weight; ``drained`` get none."""

    kind: Literal["route"] = "route"
    target: Literal[""] = ""
    release: int
    live: dict[str, int]
    drained: tuple[str, ...] = ()


class Soak(Record):
    """Watch the target under traffic; the old release is still there.

    ``judged`` says whether the release's gates watch too: one that is gone back to passed them.
    """

    kind: Literal["soak"] = "soak"
    target: str
    release: int
    seconds: float
    judged: bool = False


class Rest(Record):
    """Scale an earlier release to 0 and remove what would scale it up; the rest of it stays."""

    kind: Literal["rest"] = "rest"
    target: str
    release: int


class Retire(Record):
    """Delete objects that no live release needs any more."""

    kind: Literal["retire"] = "retire"
    target: str
    objects: tuple[Ref, ...]


class Finish(Record):
    """Record the outcome: what is desired and live, what is verified, what is quarantined.

    ``undone`` says of a release that was put back what became of its run.
    """

    kind: Literal["finish"] = "finish"
    target: Literal[""] = ""
    desired: int | None
    live: dict[str, int]
    verified: int | None = None
    quarantined: dict[int, str] = Field(default_factory=dict)
    undone: dict[int, str] = Field(default_factory=dict)


Step = Annotated[
    Push
    | Apply
    | Wait
    | Smoke
    | Ask
    | Evaluate
    | Parity
    | Open
    | Share
    | Hold
    | Shift
    | Route
    | Soak
    | Rest
    | Retire
    | Finish,
    Field(discriminator="kind"),
]


class Phase(Record):
    """Steps of one target run in order, targets side by side; nothing passes the end alone.

    ``once``: what of it is done, or has failed, is not tried again by a process that goes on.
    """

    name: str
    steps: tuple[Step, ...]
    once: bool = False


class Change(Record):
    """What happens to one object."""

    op: Literal["create", "change", "keep", "scale", "delete"]
    kind: str
    name: str


class TargetPlan(Record):
    """What a plan does to one target, for people."""

    target: str
    unknown: str = ""
    upload_bytes: int = 0
    changes: tuple[Change, ...] = ()
    weight_before: int = 0
    weight_after: int = 0


class Plan(Document):
    """What one run will do.

    Attributes:
        release: The release that will serve.
        new: Whether its bundle is written by this run.
        before: The release that is live, by target, when the plan was made.
        beside: Releases that have a Deployment of their own, by target, when the plan was made.
        inputs: Digest of what was asked for: the same command makes the same.
        fingerprint: Digest of what was found; a saved plan refuses to run when it has moved (G5).
        outcome: What counts as success: ``all`` targets, a ``quorum``, or whatever can be reached
            (``keep-going``), with an error that names the others.
        may_fail: How many targets may fail before the run turns into an undo; None: no number does.
        cost: What a month costs before and after; None of an undo.
        budget: How it stands to each limit of the spec's budget.
    """

    name: str
    kind: Literal["deploy", "rollback", "undo"]
    release: int
    new: bool
    bundle: Bundle
    before: dict[str, int]
    beside: dict[str, tuple[int, ...]]
    desired_before: int | None
    inputs: str
    fingerprint: str
    outcome: Literal["all", "quorum", "keep-going"]
    may_fail: int | None
    targets: tuple[TargetPlan, ...]
    phases: tuple[Phase, ...]
    cost: PlanCost | None = None
    budget: tuple[BudgetVerdict, ...] = ()

    def bears(self, failed: Collection[str]) -> bool:
        """Return whether the run goes on when these targets have failed; "" is the record."""
        return self.may_fail is None or ("" not in failed and len(failed) <= self.may_fail)

    @property
    def nothing_to_do(self) -> bool:
        """Whether running it would change nothing."""
        return not self.phases
