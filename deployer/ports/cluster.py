"""A cluster: one namespace of something that runs Kubernetes manifests."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from deployer.ports.apply import PLAIN, Applied, ApplyOptions, ApplyResult
from deployer.ports.manifest import Manifest, ObjectRef
from deployer.ports.preflight import Finding
from deployer.ports.probe import HttpRequest, HttpResponse

__all__ = ["Cluster", "ClusterInfo", "PodState", "Readiness", "Verdict"]


class Verdict(StrEnum):
    """How an object is doing. No status yet is in progress, never ready (D13).

    ``pending`` is a workload that finds no room on the cluster, and ``paused`` one that somebody
    stopped: neither goes on by itself, and neither has failed.
    """

    READY = "ready"
    PROGRESSING = "progressing"
    PENDING = "pending"
    PAUSED = "paused"
    FAILED = "failed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class PodState:
    """One pod as far as it matters to a person who waits for it."""

    name: str
    ready: bool
    restarts: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """A verdict with what led to it; ``message`` names the culprit and its reason.

    ``pods`` are a Deployment's own, or those that take a Service's new connections.
    """

    verdict: Verdict
    ready: int
    desired: int
    message: str = ""
    pods: tuple[PodState, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """Who answered: the cluster's name as the user knows it, and its version."""

    name: str
    version: str


class Cluster(Protocol):
    """One namespace. Safe to use from many threads; every call is bounded in time.

    Every method may raise `AccessDeniedError`, `TransientError`, `QuotaError`, or `SetupError` when
    there is no way to connect. Namespaced objects land in the cluster's namespace; the namespace
    itself is created by the first apply when it is missing.
    """

    @property
    def namespace(self) -> str:
        """The namespace that objects land in."""
        ...

    def describe(self) -> ClusterInfo:
        """Ask the cluster who it is. The cheapest proof that it answers."""
        ...

    def get(self, ref: ObjectRef) -> Manifest | None:
        """Return the live object with its status, or None only when it does not exist."""
        ...

    def list(self, labels: Mapping[str, str], *, kinds: Iterable[str] = ()) -> tuple[Manifest, ...]:
        """Return live objects with all of ``labels``, in order of name.

        Args:
            kinds: More kinds to look for, as `group_kind` writes them, besides those that every
                release may have. A kind that the cluster does not know has no objects.
        """
        ...

    def apply(
        self, manifest: Manifest, *, dry_run: bool = False, if_version: str | None = None
    ) -> Applied:
        """Make the fields of ``manifest`` so (server-side apply, field manager ``deployer``).

        Fields it does not name are left alone; fields we applied before and no longer name are
        removed. With ``dry_run`` nothing is changed and the answer says what would be.

        Args:
            if_version: Apply only if the live object's ``metadata.resourceVersion`` is this; the
                empty string means only if there is none.

        Raises:
            PreconditionError: ``if_version`` differs.
            FieldConflictError: A field is owned by another manager; the message names object, field
                and owner.
        """
        ...

    def apply_all(
        self, manifests: Sequence[Manifest], options: ApplyOptions = PLAIN
    ) -> tuple[ApplyResult, ...]:
        """Apply many objects, each like `apply`, and say of each what became of it, in their order.

        What others depend on goes first (namespaces, kinds, accounts and configuration, services,
        workloads, autoscalers); objects that do not depend on one another are applied side by side.
        After a failure the objects of its phase are still tried, those of later phases are not, and
        have no result. An object that is as it should be costs no request of its own. Nothing is
        written over what another writer wrote since it was read: it is read again.

        Raises:
            ProviderError: Nothing was touched: two objects share a name, an object's kind is
                unknown to the cluster, or its namespace is another.
        """
        ...

    def delete(self, ref: ObjectRef, *, if_version: str | None = None) -> None:
        """Delete the object after what it owns; succeeds when there is none.

        It may still be there for a while, with a ``deletionTimestamp``: until its pods are gone, or
        for as long as a finalizer holds it.

        Args:
            if_version: Delete only if the live object's ``metadata.resourceVersion`` is this.

        Raises:
            PreconditionError: ``if_version`` differs.
        """
        ...

    def readiness(self, ref: ObjectRef) -> Readiness:
        """Judge a live object.

        Workloads by their counts and their pods, Services by their ready endpoints, objects with
        conditions by those, anything else by being there.
        """
        ...

    def follow(
        self, refs: Sequence[ObjectRef]
    ) -> Generator[Mapping[ObjectRef, Readiness], None, None]:
        """Yield how all of ``refs`` do, as `readiness` judges: at once, then after every change.

        Something is yielded at least every second, so that whoever waits can look at the time. It
        ends when it is closed. What is cut on the way is taken up again without a word.

        Raises:
            TransientError: The cluster does not answer any more; a new watch may be begun.
        """
        ...

    def explain(self, ref: ObjectRef) -> str:
        """Return what a person needs to see of an object that fails, in less than a screen.

        The last events of the object and of the pod in trouble, and the last log lines of the
        container that is to blame. Empty when there is nothing. For people: never parsed.
        """
        ...

    def preflight(self, manifests: Sequence[Manifest], *, thorough: bool) -> tuple[Finding, ...]:
        """Say everything that would keep ``manifests`` from running here; change nothing.

        Args:
            thorough: Also look for room and for what they refer to, however long that takes.

        Raises:
            TransientError, SetupError, AccessDeniedError: There is no way in at all.
        """
        ...

    def endpoint(self, service: str) -> str | None:
        """Return the URL where a router reaches ``service`` from outside; None when it has none."""
        ...

    def call(self, service: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        """Send a request to a ready pod behind ``service``, not through any router.

        Raises:
            TransientError: No pod was ready, or none answered within the timeout.
        """
        ...

    def logs(self, workload: str, *, lines: int = 20) -> str:
        """Return the last log lines of Deployment ``workload``'s pods, newest pod first.

        Empty when there are none. For people: never parsed.
        """
        ...
