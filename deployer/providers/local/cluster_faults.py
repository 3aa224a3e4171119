"""A cluster that fails as it is told to."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from deployer.errors import DeployerError, TransientError
from deployer.ports import (
    PLAIN,
    Applied,
    ApplyOptions,
    ApplyResult,
    Clock,
    Cluster,
    ClusterInfo,
    Finding,
    HttpRequest,
    HttpResponse,
    Manifest,
    ObjectRef,
    Readiness,
)
from deployer.providers.local.in_turn import apply_in_turn
from deployer.providers.watching import watch_by_looking

__all__ = ["ClusterFault", "FlakyCluster"]

T = TypeVar("T")


@dataclass(slots=True)
class ClusterFault:
    """What goes wrong with one method.

    Attributes:
        method: The name of a `Cluster` method; empty for all.
        error: Makes what is raised; None only delays.
        name: Only for the object or Service of this name; empty for all.
        skip: So many matching calls go well first.
        times: Then so many fail.
        lost: The work is done, only its answer is lost.
        delay_seconds: Waited first, on the clock given to `FlakyCluster`.
    """

    method: str
    error: Callable[[], DeployerError] | None = None
    name: str = ""
    skip: int = 0
    times: int = 1
    lost: bool = False
    delay_seconds: float = 0.0

    def strikes(self, method: str, name: str) -> bool:
        """Count a call; return whether this is one that fails."""
        if self.method not in {"", method} or self.name not in {"", name} or self.times == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class FlakyCluster:
    """See `Cluster`. Passes every call on, but for the faults; ``down`` makes all of them fail.

    ``watch`` is told method and name before each call, and what it raises the call raises.
    """

    def __init__(self, inner: Cluster, clock: Clock, *faults: ClusterFault) -> None:
        self.down = False
        self.faults = list(faults)
        self.calls: list[str] = []
        self.watch: Callable[[str, str], None] = lambda _method, _name: None
        self._inner, self._clock = inner, clock

    @property
    def namespace(self) -> str:
        """See `Cluster.namespace`."""
        return self._inner.namespace

    def describe(self) -> ClusterInfo:
        """See `Cluster.describe`."""
        return self._pass("describe", "", self._inner.describe)

    def get(self, ref: ObjectRef) -> Manifest | None:
        """See `Cluster.get`."""
        return self._pass("get", ref.name, lambda: self._inner.get(ref))

    def apply(
        self, manifest: Manifest, *, dry_run: bool = False, if_version: str | None = None
    ) -> Applied:
        """See `Cluster.apply`."""
        return self._pass(
            "apply",
            manifest["metadata"]["name"],
            lambda: self._inner.apply(manifest, dry_run=dry_run, if_version=if_version),
        )

    def apply_all(
        self, manifests: Sequence[Manifest], options: ApplyOptions = PLAIN
    ) -> tuple[ApplyResult, ...]:
        """See `Cluster.apply_all`: each object is an ``apply`` for its faults."""
        return apply_in_turn(
            manifests,
            options,
            namespace=self.namespace,
            one=lambda manifest: self._apply_one(manifest, options),
        )

    def delete(self, ref: ObjectRef, *, if_version: str | None = None) -> None:
        """See `Cluster.delete`."""
        self._pass("delete", ref.name, lambda: self._inner.delete(ref, if_version=if_version))

    def readiness(self, ref: ObjectRef) -> Readiness:
        """See `Cluster.readiness`."""
        return self._pass("readiness", ref.name, lambda: self._inner.readiness(ref))

    def follow(
        self, refs: Sequence[ObjectRef]
    ) -> Generator[Mapping[ObjectRef, Readiness], None, None]:
        """See `Cluster.follow`: every look is a call of `readiness`, with its faults."""
        return watch_by_looking(self.readiness, refs, self._clock)

    def explain(self, ref: ObjectRef) -> str:
        """See `Cluster.explain`."""
        return self._pass("explain", ref.name, lambda: self._inner.explain(ref))

    def preflight(self, manifests: Sequence[Manifest], *, thorough: bool) -> tuple[Finding, ...]:
        """See `Cluster.preflight`."""
        look = self._inner.preflight
        return self._pass("preflight", "", lambda: look(manifests, thorough=thorough))

    def endpoint(self, service: str) -> str | None:
        """See `Cluster.endpoint`."""
        return self._pass("endpoint", service, lambda: self._inner.endpoint(service))

    def call(self, service: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        """See `Cluster.call`."""
        return self._pass(
            "call",
            service,
            lambda: self._inner.call(service, request, timeout_seconds=timeout_seconds),
        )

    def logs(self, workload: str, *, lines: int = 20) -> str:
        """See `Cluster.logs`."""
        return self._pass("logs", workload, lambda: self._inner.logs(workload, lines=lines))

    def list(self, labels: Mapping[str, str], *, kinds: Iterable[str] = ()) -> tuple[Manifest, ...]:
        """See `Cluster.list`."""
        return self._pass("list", "", lambda: self._inner.list(labels, kinds=kinds))

    def _apply_one(self, manifest: Manifest, options: ApplyOptions) -> ApplyResult:
        def apply() -> ApplyResult:
            (result,) = self._inner.apply_all([manifest], options)
            return result

        return self._pass("apply", manifest["metadata"]["name"], apply)

    def _pass(self, method: str, name: str, action: Callable[[], T]) -> T:
        self.watch(method, name)
        self.calls.append(f"{method} {name}".strip())
        if self.down:
            raise TransientError("the cluster is down", operation=method, resource=name)
        struck = [fault for fault in self.faults if fault.strikes(method, name)]
        for fault in struck:
            self._clock.sleep(fault.delay_seconds)
            if fault.error is not None and not fault.lost:
                raise fault.error()
        result = action()
        for fault in struck:
            if fault.error is not None:
                raise fault.error()
        return result
