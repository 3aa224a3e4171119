"""A cluster on one machine: objects are files, pods are processes."""

import random
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
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
    Probe,
    Readiness,
    Verdict,
)
from deployer.providers.local.admission import check_admission, check_manifest, check_name
from deployer.providers.local.application import PlannedApply
from deployer.providers.local.clock import SystemClock
from deployer.providers.local.cluster_folder import ClusterFolder, read_json
from deployer.providers.local.errors import translated
from deployer.providers.local.in_turn import apply_in_turn, apply_unmoved
from deployer.providers.local.lifecycle import (
    Supervisor,
    ensure_started,
    find_supervisor,
    refuse_stopped,
)
from deployer.providers.local.objects import ObjectFiles, matches
from deployer.providers.local.supervisor.logs import read_end
from deployer.providers.pods import failing_container, pod_state
from deployer.providers.readiness import Evidence, judge, judge_presence, judge_service
from deployer.providers.watching import EXPLAINING_LINES, watch_by_looking

__all__ = ["LocalCluster"]

_SETTLE_SECONDS = 2.0


class LocalCluster:
    """See `Cluster`. A folder holds it all; a supervisor process of its own runs the pods.

    `describe` and `apply` start the supervisor when it does not run. A cluster stopped by
    `stop_cluster` answers every call with `TransientError`, as an unreachable one does. The time is
    the machine's own: processes do not wait for a manual clock.
    """

    def __init__(self, folder: Path, namespace: str, *, probe: Probe) -> None:
        self._folder = ClusterFolder(folder)
        self._namespace = namespace
        self._clock: Clock = SystemClock()
        self._objects = ObjectFiles(self._folder, namespace, self._clock)
        self._probe = probe

    @property
    def namespace(self) -> str:
        """See `Cluster.namespace`."""
        return self._namespace

    def describe(self) -> ClusterInfo:
        """See `Cluster.describe`."""
        from deployer import __version__

        with translated("start", str(self._folder.path)):
            ensure_started(self._folder, self._clock)
        return ClusterInfo(self._folder.name, f"local {__version__}")

    def get(self, ref: ObjectRef) -> Manifest | None:
        """See `Cluster.get`."""
        refuse_stopped(self._folder)
        check_name(ref.kind, ref.name)
        found = self._objects.find(ref)
        return None if found is None else self._with_status(found)

    def list(self, labels: Mapping[str, str], *, kinds: Iterable[str] = ()) -> tuple[Manifest, ...]:
        """See `Cluster.list`: of every kind there is."""
        del kinds
        refuse_stopped(self._folder)
        found = [
            self._with_status(manifest)
            for manifest in self._objects.list()
            if matches(manifest["metadata"].get("labels") or {}, labels)
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

    def delete(self, ref: ObjectRef, *, if_version: str | None = None) -> None:
        """See `Cluster.delete`."""
        refuse_stopped(self._folder)
        check_name(ref.kind, ref.name)
        with translated("delete", str(ref)):
            self._objects.delete(ref, if_version=if_version)

    def readiness(self, ref: ObjectRef) -> Readiness:
        """See `Cluster.readiness`. Without a running supervisor nothing is ready."""
        found = self.get(ref)
        supervisor = find_supervisor(self._folder, self._clock)
        if found is not None and not supervisor.up:
            return _judge_down(found, supervisor)
        if found is not None and ref.kind == "Service":
            return _judge_service(found)
        if ref.kind != "Deployment":
            return judge_presence(ref, found)
        return judge(ref, found, Evidence(pods=self._pods(found)), now=self._clock.now())

    def follow(
        self, refs: Sequence[ObjectRef]
    ) -> Generator[Mapping[ObjectRef, Readiness], None, None]:
        """See `Cluster.follow`."""
        return watch_by_looking(self.readiness, refs, self._clock)

    def explain(self, ref: ObjectRef) -> str:
        """See `Cluster.explain`."""
        refuse_stopped(self._folder)
        pods = self._pods(self._objects.find(ref)) if ref.kind == "Deployment" else ()
        for pod in pods:
            container = failing_container(pod)
            if container is None or pod_state(pod).ready:
                continue
            log = self._log(pod["metadata"]["name"], container["name"])
            if text := read_end(log, EXPLAINING_LINES):
                return f"{pod['metadata']['name']} {container['name']}:\n{text}"
        return ""

    def preflight(self, manifests: Sequence[Manifest], *, thorough: bool) -> tuple[Finding, ...]:
        """See `Cluster.preflight`."""
        del thorough
        refuse_stopped(self._folder)
        return check_admission(manifests)

    def endpoint(self, service: str) -> str | None:
        """See `Cluster.endpoint`."""
        refuse_stopped(self._folder)
        found = self._objects.find_named("Service", service)
        if found is None:
            return None
        return f"http://{found['spec']['clusterIP']}:{found['spec']['ports'][0]['port']}"

    def call(self, service: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        """See `Cluster.call`."""
        found = self._settled_service(service, timeout_seconds)
        endpoints = _endpoints(found)
        if found is None or not endpoints:
            raise TransientError(
                f"no pod behind Service/{service} is ready",
                operation="call",
                resource=f"Service/{service}",
            )
        port = str(found["spec"]["ports"][0]["port"])
        chosen = random.choice(endpoints)  # noqa: S311 - spreading out, not secrecy
        url = f"http://{chosen['address']}:{chosen['ports'][port]}"
        return self._probe.send(url, request, timeout_seconds=timeout_seconds)

    def logs(self, workload: str, *, lines: int = 20) -> str:
        """See `Cluster.logs`."""
        refuse_stopped(self._folder)
        pods = self._pods(self._objects.find_named("Deployment", workload))
        return "\n".join(text for pod in pods for text in self._read_logs(pod, lines))

    def _apply(
        self, manifest: Manifest, options: ApplyOptions, *, if_version: str | None
    ) -> PlannedApply:
        refuse_stopped(self._folder)
        check_manifest(manifest)
        with translated("apply", str(ObjectRef.of(manifest))):
            if not options.dry_run:
                ensure_started(self._folder, self._clock)
            return self._objects.apply(manifest, options, if_version=if_version)

    def _read_logs(self, pod: Manifest, lines: int) -> Iterator[str]:
        name, spec = pod["metadata"]["name"], pod["spec"]
        for container in [*(spec.get("initContainers") or ()), *spec["containers"]]:
            if text := read_end(self._log(name, container["name"]), lines):
                yield f"{name} {container['name']}:\n{text}"

    def _log(self, pod: str, container: str) -> Path:
        return self._folder.pods(self._namespace) / pod / f"{container}.log"

    def _settled_service(self, name: str, timeout_seconds: float) -> Manifest | None:
        """Return the Service once the supervisor has seen its latest change: tens of ms."""
        ref = ObjectRef("v1", "Service", name)
        deadline = self._clock.monotonic() + min(timeout_seconds, _SETTLE_SECONDS)
        while (found := self.get(ref)) is not None and not _is_settled(found):
            if self._clock.monotonic() > deadline:
                break
            self._clock.sleep(0.01)
        return found

    def _pods(self, deployment: Manifest | None) -> Sequence[Any]:
        """Return the Deployment's pods, newest first."""
        if deployment is None:
            return []
        uid = deployment["metadata"]["uid"]
        found = map(read_json, self._folder.pods(self._namespace).glob("*/pod.json"))
        pods = [pod for pod in found if pod and _is_owned(pod, uid)]
        return sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)

    def _with_status(self, manifest: dict[str, Any]) -> Manifest:
        """Add the status, if a running supervisor stands behind it."""
        metadata = manifest["metadata"]
        path = self._folder.status_file(self._namespace, manifest["kind"], metadata["name"])
        written = read_json(path)
        if not written or written["uid"] != metadata["uid"]:
            return manifest
        if not find_supervisor(self._folder, self._clock).up:
            return manifest
        return {**manifest, "status": written["status"]}


def _endpoints(service: Manifest | None) -> Any:
    return ((service or {}).get("status") or {}).get("endpoints") or []


def _is_settled(service: Manifest) -> bool:
    seen = (service.get("status") or {}).get("observedGeneration", 0)
    return bool(seen >= service["metadata"]["generation"])


def _is_owned(pod: Manifest, uid: str) -> bool:
    return any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences") or ())


def _judge_service(service: Manifest) -> Readiness:
    """Judge a Service as what it is here: each has its address, none waits for a cloud's."""
    plain = {**service, "spec": {**service["spec"], "type": "ClusterIP"}}
    judged = judge_service(plain, [item["pod"] for item in _endpoints(service)])
    faults = (service.get("status") or {}).get("faults")
    if judged.verdict is Verdict.READY and faults:
        return replace(judged, verdict=Verdict.PROGRESSING, message="; ".join(faults))
    return judged


def _judge_down(manifest: Manifest, supervisor: Supervisor) -> Readiness:
    desired = int((manifest.get("spec") or {}).get("replicas", 1))
    return Readiness(Verdict.FAILED, 0, desired, str(supervisor))
