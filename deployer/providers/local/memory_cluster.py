"""A cluster in memory, for tests and rehearsals: every Deployment is ready at once."""

import json
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deployer.errors import TransientError
from deployer.ports import (
    PLAIN,
    Applied,
    ApplyOptions,
    ApplyResult,
    Clock,
    ClusterInfo,
    Finding,
    HttpRequest,
    HttpResponse,
    Manifest,
    ObjectRef,
    PodState,
    Readiness,
    Verdict,
)
from deployer.providers.local.admission import check_admission, check_manifest
from deployer.providers.local.application import PlannedApply, check_version, plan_apply, stamp
from deployer.providers.local.in_turn import apply_in_turn, apply_unmoved
from deployer.providers.local.managers import edit_stored
from deployer.providers.local.objects import matches
from deployer.providers.readiness import Evidence, judge, judge_presence
from deployer.providers.watching import EXPLAINING_LINES, watch_by_looking

__all__ = ["AnswerCall", "MemoryCluster"]

AnswerCall = Callable[[str, HttpRequest], HttpResponse]
"""Answers a request that reached a pod of the Deployment so named."""


class MemoryCluster:
    """See `Cluster`. Deployments have no pods; what their pods would do is said beforehand.

    Args:
        answer: What pods answer to `call`; by default 200 and ``{"workload": <name>}``.
    """

    def __init__(
        self,
        name: str = "memory",
        *,
        clock: Clock,
        namespace: str = "default",
        answer: AnswerCall | None = None,
    ) -> None:
        self._name, self._clock, self._namespace = name, clock, namespace
        self._answer = answer or _say_workload
        self._stored: dict[ObjectRef, dict[str, Any]] = {}
        self._scripts: dict[str, deque[Readiness]] = {}
        self._logs: dict[str, str] = {}
        self._findings: tuple[Finding, ...] = ()
        self._version = 0
        self._lock = threading.RLock()

    def script_readiness(self, workload: str, *readiness: Readiness) -> None:
        """Answer these for the Deployment, one after the other; the last is repeated.

        None at all goes back to being ready at once.
        """
        with self._lock:
            self._scripts.pop(workload, None)
            if readiness:
                self._scripts[workload] = deque(readiness)

    def script_logs(self, workload: str, text: str) -> None:
        """Let the Deployment's pods have written this."""
        with self._lock:
            self._logs[workload] = text

    @property
    def namespace(self) -> str:
        """See `Cluster.namespace`."""
        return self._namespace

    def describe(self) -> ClusterInfo:
        """See `Cluster.describe`."""
        return ClusterInfo(self._name, "memory")

    def get(self, ref: ObjectRef) -> Manifest | None:
        """See `Cluster.get`."""
        with self._lock:
            stored = self._stored.get(ref)
            return None if stored is None else self._with_status(stored["object"])

    def list(self, labels: Mapping[str, str], *, kinds: Iterable[str] = ()) -> tuple[Manifest, ...]:
        """See `Cluster.list`: of every kind there is."""
        del kinds
        with self._lock:
            found = [
                self._with_status(stored["object"])
                for stored in self._stored.values()
                if matches(stored["object"]["metadata"].get("labels") or {}, labels)
            ]
        return tuple(sorted(found, key=lambda m: (m["metadata"]["name"], m["kind"])))

    def apply(
        self, manifest: Manifest, *, dry_run: bool = False, if_version: str | None = None
    ) -> Applied:
        """See `Cluster.apply`."""
        options = ApplyOptions(dry_run=dry_run)
        return self._apply(manifest, options, if_version=if_version).verdict

    def apply_all(
        self, manifests: Sequence[Manifest], options: ApplyOptions = PLAIN
    ) -> tuple[ApplyResult, ...]:
        """See `Cluster.apply_all`."""

        def apply_at(manifest: Manifest, version: str) -> ApplyResult:
            return self._apply(manifest, options, if_version=version).result

        return apply_in_turn(
            manifests,
            options,
            namespace=self._namespace,
            one=lambda m: apply_unmoved(m, options, find=self.get, apply_at=apply_at),
        )

    def edit(self, change: Manifest, *, manager: str) -> None:
        """Let somebody else write some fields of an object, and own them from now on."""
        ref = ObjectRef.of(change)
        with self._lock:
            stored = self._stored[ref]
            planned = PlannedApply(
                Applied.CHANGED, edit_stored(stored, change, manager), stored["object"]
            )
            self._stamp(ref, planned)

    def delete(self, ref: ObjectRef, *, if_version: str | None = None) -> None:
        """See `Cluster.delete`."""
        with self._lock:
            if ref in self._stored:
                check_version(ref, self._stored[ref]["object"], if_version)
                del self._stored[ref]

    def readiness(self, ref: ObjectRef) -> Readiness:
        """See `Cluster.readiness`."""
        with self._lock:
            found = self.get(ref)
            if ref.kind == "Deployment":
                return self._judge(found, ref.name)
            if ref.kind == "Service":
                evidence = Evidence(endpoints=self._endpoints(found))
                return judge(ref, found, evidence, now=self._clock.now())
            return judge_presence(ref, found)

    def follow(
        self, refs: Sequence[ObjectRef]
    ) -> Generator[Mapping[ObjectRef, Readiness], None, None]:
        """See `Cluster.follow`."""
        return watch_by_looking(self.readiness, refs, self._clock)

    def explain(self, ref: ObjectRef) -> str:
        """See `Cluster.explain`."""
        return self.logs(ref.name, lines=EXPLAINING_LINES) if ref.kind == "Deployment" else ""

    def script_findings(self, *findings: Finding) -> None:
        """Find these at every `preflight`."""
        self._findings = findings

    def preflight(self, manifests: Sequence[Manifest], *, thorough: bool) -> tuple[Finding, ...]:
        """See `Cluster.preflight`: admission is tried, nothing else can be wrong by itself."""
        del thorough
        return (*check_admission(manifests), *self._findings)

    def endpoint(self, service: str) -> str | None:
        """See `Cluster.endpoint`: a name that resolves nowhere."""
        found = self.get(ObjectRef("v1", "Service", service))
        return f"http://{service}.{self._namespace}.{self._name}.invalid" if found else None

    def call(self, service: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        """See `Cluster.call`."""
        with self._lock:
            behind = self._behind(self.get(ObjectRef("v1", "Service", service)))
            ready = [name for name in behind if self._peek(name).ready]
        if not ready:
            raise TransientError(
                f"no pod behind Service/{service} is ready (asked for {timeout_seconds:g} s)",
                operation="call",
                resource=f"Service/{service}",
            )
        return self._answer(ready[0], request)

    def logs(self, workload: str, *, lines: int = 20) -> str:
        """See `Cluster.logs`."""
        with self._lock:
            if not self._deployment(workload):
                return ""
            text = self._logs.get(workload, f"{workload}-1 server:\nready")
        return "\n".join(text.splitlines()[-lines:])

    def _apply(
        self, manifest: Manifest, options: ApplyOptions, *, if_version: str | None
    ) -> PlannedApply:
        check_manifest(manifest)
        ref = ObjectRef.of(manifest)
        with self._lock:
            stored = self._stored.get(ref)
            planned = plan_apply(
                stored, manifest, if_version=if_version, pick=self._pick, options=options
            )
            if not options.dry_run and planned.verdict is Applied.UNCHANGED:
                self._stored[ref] = planned.stored
            elif not options.dry_run:
                self._stamp(ref, planned)
            return planned

    def _stamp(self, ref: ObjectRef, planned: PlannedApply) -> None:
        self._version += 1
        self._stored[ref] = stamp(
            planned, namespace=self._namespace, version=self._version, now=self._clock.now()
        )

    def _judge(self, found: Manifest | None, name: str) -> Readiness:
        if found is None:
            return Readiness(Verdict.MISSING, 0, 0, "there is no such Deployment")
        script = self._scripts.get(name)
        if script is not None and len(script) > 1:
            return _with_pods(script.popleft(), name)
        return self._peek(name)

    def _peek(self, name: str) -> Readiness:
        """Return the next answer without using it up."""
        if script := self._scripts.get(name):
            return _with_pods(script[0], name)
        found = self._deployment(name)
        replicas = int(found["spec"].get("replicas", 1)) if found else 0
        return _with_pods(Readiness(Verdict.READY, replicas, replicas), name)

    def _behind(self, service: Manifest | None) -> Sequence[str]:
        selector = (service or {}).get("spec", {}).get("selector")
        if not selector:
            return []
        return sorted(
            ref.name
            for ref, stored in self._stored.items()
            if ref.kind == "Deployment" and matches(_pod_labels(stored["object"]), selector)
        )

    def _endpoints(self, service: Manifest | None) -> Sequence[str]:
        """Return the names of the ready pods behind the Service."""
        return [
            _pod_name(name, number)
            for name in self._behind(service)
            for number in range(self._peek(name).ready)
        ]

    def _deployment(self, name: str) -> Any:
        stored = self._stored.get(ObjectRef("apps/v1", "Deployment", name))
        return stored["object"] if stored else None

    def _with_status(self, live: Manifest) -> Manifest:
        if live["kind"] != "Deployment":
            return _copy(live)
        judged = self._peek(live["metadata"]["name"])
        status = {
            "observedGeneration": live["metadata"]["generation"],
            "replicas": judged.desired,
            "updatedReplicas": judged.desired,
            "readyReplicas": judged.ready,
            "availableReplicas": judged.ready,
        }
        return _copy({**live, "status": status})

    def _pick(self, _ports: Sequence[int]) -> str:
        return f"10.0.{len(self._stored) // 250}.{len(self._stored) % 250 + 1}"


def _with_pods(readiness: Readiness, workload: str) -> Readiness:
    """Name the ready pods, where a script has not."""
    if readiness.pods:
        return readiness
    names = (_pod_name(workload, number) for number in range(readiness.ready))
    pods = tuple(PodState(name, ready=True, restarts=0) for name in names)
    return replace(readiness, pods=pods)


def _pod_name(workload: str, number: int) -> str:
    return f"{workload}-{number + 1}"


def _pod_labels(deployment: Manifest) -> Mapping[str, str]:
    return deployment["spec"]["template"]["metadata"].get("labels") or {}


def _say_workload(workload: str, _request: HttpRequest) -> HttpResponse:
    return HttpResponse(200, json.dumps({"workload": workload}).encode(), seconds=0.001)


def _copy(manifest: Manifest) -> Manifest:
    copied: Manifest = json.loads(json.dumps(manifest))
    return copied
