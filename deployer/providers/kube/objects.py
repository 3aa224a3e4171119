"""One namespace's objects, request by request: read, list, apply, delete."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from deployer.errors import NotFoundError
from deployer.ports import Manifest, ObjectRef
from deployer.providers.kube.api import Answer, KubeApi
from deployer.providers.kube.kinds import Kind, Kinds
from deployer.providers.phases import is_workload

__all__ = ["FIELD_MANAGER", "KubeObjects"]

FIELD_MANAGER = "deployer"

_PAGE = 500
_NEVER = "1"  # a resourceVersion that no object of ours can have: etcd itself wrote that revision


class KubeObjects:
    """The requests that `KubeCluster` is made of. Safe to use from many threads."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self._api, self.namespace = api, namespace
        self.kinds = Kinds(api)

    def find(self, ref: ObjectRef) -> Manifest | None:
        """Return the live object, or None only when it does not exist."""
        try:
            found: Manifest = self._api.read(self.path(ref), resource=str(ref))
        except NotFoundError:
            return None
        return found

    def list(self, kind: Kind, selector: str) -> Sequence[Manifest]:
        """Return all of a kind that the label selector picks."""
        items = self.pages(kind.path(self.namespace), f"every {kind.kind}", selector)
        about = {"apiVersion": kind.api_version, "kind": kind.kind}
        return [{**about, **item} for item in items]

    def pages(self, path: str, resource: str, selector: str) -> Iterator[Any]:
        """Yield the items of a list, read page by page."""
        query = {"labelSelector": selector, "limit": _PAGE}
        while True:
            page = self._api.read(path, resource=resource, query=query)
            yield from page["items"]
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token

    def send(
        self,
        ref: ObjectRef,
        manifest: Manifest,
        *,
        at: Manifest | None = None,
        dry_run: bool = False,
        force: bool = False,
    ) -> Answer:
        """Apply server-side, and return the answer as it is.

        Args:
            at: Only over this live object, as it was read; an empty one means only if there is
                none. None applies whatever is there.
        """
        query = {
            "fieldManager": FIELD_MANAGER,
            "fieldValidation": "Strict",
            "force": "true" if force else "false",
            **({"dryRun": "All"} if dry_run else {}),
        }
        body = self._body(manifest, at)
        return self._api.send_apply(self.path(ref), body, resource=str(ref), query=query)

    def decode(self, ref: ObjectRef, answer: Answer) -> Manifest:
        """Return the object that an apply answered with.

        Raises:
            ProviderError: It was refused.
        """
        after: Manifest = self._api.decode(answer, "apply", str(ref))
        return after

    def replace_managers(
        self, ref: ObjectRef, live: Manifest, managers: Iterable[Mapping[str, Any]]
    ) -> Manifest:
        """Write another account of who owns what, if the object is as it was read."""
        version = live["metadata"]["resourceVersion"]
        operations = [
            {"op": "replace", "path": "/metadata/managedFields", "value": list(managers)},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        ]
        query = {"fieldManager": FIELD_MANAGER}
        after: Manifest = self._api.edit(self.path(ref), operations, resource=str(ref), query=query)
        return after

    def delete(self, ref: ObjectRef, *, if_version: str | None = None) -> None:
        """See `Cluster.delete`: what a workload owns is deleted first."""
        options: dict[str, Any] = {
            "propagationPolicy": "Foreground" if is_workload(ref.kind) else "Background"
        }
        if if_version is not None:
            options["preconditions"] = {"resourceVersion": if_version}
        try:
            self._api.delete(self.path(ref), options, resource=str(ref))
        except NotFoundError:
            return

    def make_namespace(self) -> None:
        """Create the namespace, or leave it as it is."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self._api.patch(
            f"/api/v1/namespaces/{self.namespace}",
            body,
            resource=f"Namespace/{self.namespace}",
            query={"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"},
        )

    def path(self, ref: ObjectRef) -> str:
        """Return the object's URL path; `ProviderError` when the cluster does not know its kind."""
        return self.kinds.get(ref).path(self.namespace, ref.name)

    def _body(self, manifest: Manifest, at: Manifest | None) -> dict[str, Any]:
        """Return what to send: the API server compares uid and resourceVersion, if there are any.

        The uid makes sure that an object that has gone meanwhile is not made anew.
        """
        body = {key: value for key, value in manifest.items() if key != "status"}
        metadata = dict(manifest["metadata"])
        kind = self.kinds.get(ObjectRef.of(manifest))
        if kind.namespaced:
            metadata["namespace"] = self.namespace
        if at is not None:
            found = at.get("metadata") or {"resourceVersion": _NEVER}
            metadata |= {k: found[k] for k in ("uid", "resourceVersion") if k in found}
        return {**body, "metadata": metadata}
