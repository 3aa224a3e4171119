"""One cluster adapter for every Kubernetes: server-side apply, and what the API server tells."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from deployer.errors import NotFoundError, PreconditionError, TransientError
from deployer.ports import (
    Applied,
    Clock,
    ClusterInfo,
    HttpRequest,
    HttpResponse,
    Manifest,
    ObjectRef,
    Readiness,
)
from deployer.providers.kube.api import Answer, KubeApi
from deployer.providers.kube.eyes import Eyes
from deployer.providers.kube.fields import changes_nothing
from deployer.providers.kube.kinds import KINDS, object_path
from deployer.providers.kube.readiness import external_url

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["FIELD_MANAGER", "KubeCluster"]

FIELD_MANAGER = "deployer"

_PARALLEL = 8
_PAGE = 500
_BODY_BYTES = 1 << 20
_NEVER = "1"  # a resourceVersion that no object of ours can have: etcd itself wrote that revision


class KubeCluster:
    """See `Cluster`. Nothing is imported and nobody is asked before the first call."""

    def __init__(
        self, connect: "Callable[[], ApiClient]", *, name: str, namespace: str, clock: Clock
    ) -> None:
        self._api = KubeApi(connect)
        self._name, self._namespace, self._clock = name, namespace, clock
        self._eyes = Eyes(self._api, self._path, self.get, namespace=namespace, clock=clock)

    def describe(self) -> ClusterInfo:
        """See `Cluster.describe`."""
        answer = self._api.read("/version", resource=f"cluster {self._name}")
        return ClusterInfo(self._name, answer["gitVersion"])

    def get(self, ref: ObjectRef) -> Manifest | None:
        """See `Cluster.get`."""
        try:
            found: Manifest = self._api.read(self._path(ref), resource=str(ref))
        except NotFoundError:
            return None
        return found

    def list(self, labels: Mapping[str, str]) -> tuple[Manifest, ...]:
        """See `Cluster.list`."""
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        with ThreadPoolExecutor(_PARALLEL) as pool:
            lists = pool.map(lambda kind: self._list_kind(kind, selector), KINDS)
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
        body = _conditional(_namespaced(manifest, self._namespace), if_version)
        try:
            after = self._patch(ref, body, dry_run=dry_run)
        except NotFoundError:
            if if_version:
                raise _moved(ref, if_version) from None
            if not self._make_namespace(dry_run=dry_run):
                return Applied.CREATED
            after = self._patch(ref, body, dry_run=dry_run)
        if live is None:
            return Applied.CREATED
        same = changes_nothing(manifest, live, after, manager=FIELD_MANAGER)
        return Applied.UNCHANGED if same else Applied.CHANGED

    def delete(self, ref: ObjectRef) -> None:
        """See `Cluster.delete`."""
        try:
            self._api.delete(self._path(ref), resource=str(ref))
        except NotFoundError:
            return

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

    def logs(self, workload: str, *, lines: int = 20) -> str:
        """See `Cluster.logs`."""
        return self._eyes.logs(ObjectRef("apps/v1", "Deployment", workload), lines=lines)

    def _path(self, ref: ObjectRef) -> str:
        return object_path(ref.api_version, ref.kind, self._namespace, ref.name)

    def _patch(self, ref: ObjectRef, body: Manifest, *, dry_run: bool) -> Manifest:
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", "force": "false"}
        if dry_run:
            query["dryRun"] = "All"
        answer: Manifest = self._api.patch(self._path(ref), body, resource=str(ref), query=query)
        return answer

    def _make_namespace(self, *, dry_run: bool) -> bool:
        """Create the namespace; a dry run only finds out that it would be."""
        if dry_run:
            return False
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self._namespace}}
        self._api.patch(
            f"/api/v1/namespaces/{self._namespace}",
            body,
            resource=f"Namespace/{self._namespace}",
            query={"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"},
        )
        return True

    def _list_kind(self, key: tuple[str, str], selector: str) -> Sequence[Manifest]:
        api_version, kind = key
        path = object_path(api_version, kind, self._namespace)
        items = self._pages(path, f"every {kind}", selector)
        return [{"apiVersion": api_version, "kind": kind, **item} for item in items]

    def _pages(self, path: str, resource: str, selector: str) -> Iterator[Any]:
        query = {"labelSelector": selector, "limit": _PAGE}
        while True:
            page = self._api.read(path, resource=resource, query=query)
            yield from page["items"]
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token


def _namespaced(manifest: Manifest, namespace: str) -> dict[str, Any]:
    body = {key: value for key, value in manifest.items() if key != "status"}
    return {**body, "metadata": {**manifest["metadata"], "namespace": namespace}}


def _conditional(body: dict[str, Any], if_version: str | None) -> dict[str, Any]:
    """Make the apply conditional: the API server compares the body's resourceVersion, if any."""
    if if_version is None:
        return body
    metadata = {**body["metadata"], "resourceVersion": if_version or _NEVER}
    return {**body, "metadata": metadata}


def _moved(ref: ObjectRef, if_version: str) -> PreconditionError:
    return PreconditionError(
        f"{ref} is at version (none), not {if_version}: another writer was there in between",
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
