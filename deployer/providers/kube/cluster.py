"""One cluster adapter for every Kubernetes: server-side apply, and what the API server tells."""

import json
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING

from deployer.errors import NotFoundError, PreconditionError, TransientError
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
    Readiness,
    Used,
)
from deployer.providers.kube.api import Answer, KubeApi
from deployer.providers.kube.apply import IN_FLIGHT, Applier
from deployer.providers.kube.eyes import Eyes
from deployer.providers.kube.fields import changes_nothing
from deployer.providers.kube.kinds import object_path
from deployer.providers.kube.objects import FIELD_MANAGER, KubeObjects
from deployer.providers.kube.preflight import check_cluster
from deployer.providers.kube.readiness import external_url
from deployer.providers.kube.usage import measure_pods

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["KubeCluster"]

_BODY_BYTES = 1 << 20


class KubeCluster:
    """See `Cluster`. Nothing is imported and nobody is asked before the first call."""

    def __init__(
        self, connect: "Callable[[], ApiClient]", *, name: str, namespace: str, clock: Clock
    ) -> None:
        self._api = KubeApi(connect)
        self._objects = KubeObjects(self._api, namespace)
        self._name, self._namespace, self._clock = name, namespace, clock
        self._eyes = Eyes(self._api, self._objects.path, self.get, namespace=namespace, clock=clock)

    @property
    def namespace(self) -> str:
        """See `Cluster.namespace`."""
        return self._namespace

    def describe(self) -> ClusterInfo:
        """See `Cluster.describe`."""
        answer = self._api.read("/version", resource=f"cluster {self._name}")
        return ClusterInfo(self._name, answer["gitVersion"])

    def get(self, ref: ObjectRef) -> Manifest | None:
        """See `Cluster.get`."""
        return self._objects.find(ref)

    def list(self, labels: Mapping[str, str], *, kinds: Iterable[str] = ()) -> tuple[Manifest, ...]:
        """See `Cluster.list`."""
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            wanted = self._objects.kinds.expand(kinds)
            lists = pool.map(lambda kind: self._objects.list(kind, selector), wanted)
            found = [manifest for manifests in lists for manifest in manifests]
        return tuple(sorted(found, key=lambda m: (m["metadata"]["name"], m["kind"])))

    def apply(
        self, manifest: Manifest, *, dry_run: bool = False, if_version: str | None = None
    ) -> Applied:
        """See `Cluster.apply`.

        One GET and one PATCH, so that the answer can say whether anything changed.
        """
        ref = ObjectRef.of(manifest)
        live = self.get(ref)
        if if_version is not None:
            _demand_version(ref, live, if_version)
        at = None if if_version is None else live or {}
        try:
            after = self._apply(ref, manifest, at, dry_run=dry_run)
        except NotFoundError:
            if dry_run:
                return Applied.CREATED
            self._objects.make_namespace()
            after = self._apply(ref, manifest, at, dry_run=dry_run)
        if live is None:
            return Applied.CREATED
        same = changes_nothing(manifest, live, after, manager=FIELD_MANAGER)
        return Applied.UNCHANGED if same else Applied.CHANGED

    def apply_all(
        self, manifests: Sequence[Manifest], options: ApplyOptions = PLAIN
    ) -> tuple[ApplyResult, ...]:
        """See `Cluster.apply_all`."""
        return Applier(self._objects, self._clock).apply_all(manifests, options)

    def delete(self, ref: ObjectRef, *, if_version: str | None = None) -> None:
        """See `Cluster.delete`."""
        self._objects.delete(ref, if_version=if_version)

    def readiness(self, ref: ObjectRef) -> Readiness:
        """See `Cluster.readiness`."""
        return self._eyes.judge_now(ref)

    def follow(
        self, refs: Sequence[ObjectRef]
    ) -> Generator[Mapping[ObjectRef, Readiness], None, None]:
        """See `Cluster.follow`."""
        return self._eyes.follow(refs)

    def explain(self, ref: ObjectRef) -> str:
        """See `Cluster.explain`."""
        return self._eyes.explain(ref)

    def preflight(self, manifests: Sequence[Manifest], *, thorough: bool) -> tuple[Finding, ...]:
        """See `Cluster.preflight`."""
        kinds = self._objects.kinds
        return check_cluster(self._api, kinds, self._namespace, manifests, thorough=thorough)

    def endpoint(self, service: str) -> str | None:
        """See `Cluster.endpoint`: the load balancer's address, when there is one."""
        found = self.get(ObjectRef("v1", "Service", service))
        return external_url(found) if found else None

    def call(self, service: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        """See `Cluster.call`: through the API server's proxy, which picks a ready endpoint."""
        resource = f"Service/{service}"
        found = self.get(ObjectRef("v1", "Service", service))
        if found is None:
            raise TransientError(
                f"there is no {resource}, so no pod is behind it",
                operation="call",
                resource=resource,
            )
        port = found["spec"]["ports"][0]["port"]
        path = object_path("v1", "Service", self._namespace, f"{service}:{port}")
        begun = self._clock.monotonic()
        answer = self._api.send(
            request.method,
            f"{path}/proxy{request.path}",
            headers=request.headers,
            body=request.body or None,
            operation="call",
            resource=resource,
            timeout_seconds=timeout_seconds,
            max_bytes=_BODY_BYTES,
        )
        _refuse_proxy_fault(answer, resource)
        headers = {key.lower(): value for key, value in answer.headers.items()}
        return HttpResponse(answer.status, answer.body, self._clock.monotonic() - begun, headers)

    def measure(self, workload: str, *, timeout_seconds: float) -> Used:
        """See `UsageSource.measure`."""
        return measure_pods(self._api, self._namespace, workload, timeout_seconds)

    def logs(self, workload: str, *, lines: int = 20) -> str:
        """See `Cluster.logs`."""
        return self._eyes.logs(ObjectRef("apps/v1", "Deployment", workload), lines=lines)

    def _apply(
        self, ref: ObjectRef, manifest: Manifest, at: Manifest | None, *, dry_run: bool
    ) -> Manifest:
        answer = self._objects.send(ref, manifest, at=at, dry_run=dry_run)
        return self._objects.decode(ref, answer)


def _demand_version(ref: ObjectRef, live: Manifest | None, wanted: str) -> None:
    found = live["metadata"]["resourceVersion"] if live else ""
    if found != wanted:
        raise PreconditionError(
            f"{ref} is at version {found or '(none)'}, not {wanted or '(none)'}: "
            "another writer was there in between",
            operation="apply",
            resource=str(ref),
        )


def _refuse_proxy_fault(answer: Answer, resource: str) -> None:
    """Tell the API server's own refusals from answers of the pod: only it sends a Status."""
    refused = answer.status >= HTTPStatus.BAD_REQUEST
    if not refused or b'"kind":"Status"' not in answer.body.replace(b" ", b""):
        return
    status = json.loads(answer.body)
    raise TransientError(
        f"no pod behind {resource} answered: {str(status.get('message', ''))[:300]}",
        operation="call",
        resource=resource,
    )
