"""The kinds of objects, and where the API server keeps them: known ones, and by discovery."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.errors import NotFoundError, ProviderError
from deployer.ports import Manifest, ObjectRef, group_kind
from deployer.providers.kube.api import KubeApi

__all__ = ["LISTED", "Kind", "Kinds", "defined_kinds", "object_path"]

LISTED: Mapping[tuple[str, str], str] = {
    ("v1", "ServiceAccount"): "serviceaccounts",
    ("v1", "ConfigMap"): "configmaps",
    ("v1", "Secret"): "secrets",
    ("v1", "Service"): "services",
    ("apps/v1", "Deployment"): "deployments",
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "horizontalpodautoscalers",
    ("policy/v1", "PodDisruptionBudget"): "poddisruptionbudgets",
    ("networking.k8s.io/v1", "Ingress"): "ingresses",
    ("networking.k8s.io/v1", "NetworkPolicy"): "networkpolicies",
}
"""What every release may have: looked for whenever objects are listed."""

_NAMESPACED: Mapping[tuple[str, str], str] = {
    **LISTED,
    ("v1", "PersistentVolumeClaim"): "persistentvolumeclaims",
    ("v1", "Pod"): "pods",
    ("apps/v1", "StatefulSet"): "statefulsets",
    ("apps/v1", "DaemonSet"): "daemonsets",
    ("batch/v1", "Job"): "jobs",
    ("batch/v1", "CronJob"): "cronjobs",
    ("rbac.authorization.k8s.io/v1", "Role"): "roles",
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): "rolebindings",
}
_CLUSTER_WIDE: Mapping[tuple[str, str], str] = {
    ("v1", "Namespace"): "namespaces",
    ("v1", "PersistentVolume"): "persistentvolumes",
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): "customresourcedefinitions",
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): "clusterroles",
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): "clusterrolebindings",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind as the API server serves it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Return the URL path of an object, or of all of its kind."""
        root = f"/api/{self.api_version}" if self._is_core else f"/apis/{self.api_version}"
        within = f"/namespaces/{namespace}" if self.namespaced else ""
        path = f"{root}{within}/{self.plural}"
        return f"{path}/{name}" if name else path

    @property
    def _is_core(self) -> bool:
        return "/" not in self.api_version


_KNOWN = {
    key: Kind(*key, plural, namespaced)
    for table, namespaced in ((_NAMESPACED, True), (_CLUSTER_WIDE, False))
    for key, plural in table.items()
}


def object_path(api_version: str, kind: str, namespace: str, name: str = "") -> str:
    """Return the URL path of an object of a kind that every cluster has."""
    return _KNOWN[api_version, kind].path(namespace, name)


class Kinds:
    """What an API server serves: asked once per group and version, and again when told to.

    Safe to use from many threads.
    """

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._found: dict[str, dict[str, Kind]] = {}
        self._lock = threading.Lock()

    def find(self, api_version: str, kind: str) -> Kind | None:
        """Return the kind, or None when the cluster has none of this name and version."""
        known = _KNOWN.get((api_version, kind))
        return known or self._served(api_version).get(kind)

    def get(self, ref: ObjectRef) -> Kind:
        """Return the kind of ``ref``.

        Raises:
            ProviderError: The cluster does not know it.
        """
        found = self.find(ref.api_version, ref.kind)
        if found is None:
            raise ProviderError(
                f"{ref}: the cluster knows no kind {ref.kind} in {ref.api_version}",
                operation="apply",
                resource=str(ref),
                hint="Install what brings it (its CustomResourceDefinition) first, or correct "
                "apiVersion and kind: `kubectl api-resources` lists what there is.",
            )
        return found

    def forget(self) -> None:
        """Ask again at the next call: kinds have been added."""
        with self._lock:
            self._found.clear()

    def expand(self, names: Iterable[str]) -> list[Kind]:
        """Return the `LISTED` kinds and those called ``Kind.group``; unknown ones are left out."""
        listed = [_KNOWN[key] for key in LISTED]
        known = {group_kind(kind.api_version, kind.kind): kind for kind in _KNOWN.values()}
        wanted = dict.fromkeys(names)
        for kind in listed:
            wanted.pop(group_kind(kind.api_version, kind.kind), None)
        found = [known.get(name) or self._by_group(name) for name in wanted]
        return [*listed, *(kind for kind in found if kind is not None)]

    def _by_group(self, name: str) -> Kind | None:
        kind, _, group = name.partition(".")
        try:
            answer = self._api.read(f"/apis/{group}", resource=f"API group {group}")
        except NotFoundError:
            return None
        return self.find(answer["preferredVersion"]["groupVersion"], kind)

    def _served(self, api_version: str) -> dict[str, Kind]:
        with self._lock:
            found = self._found.get(api_version)
        if found is None:
            found = self._ask(api_version)
            with self._lock:
                self._found[api_version] = found
        return found

    def _ask(self, api_version: str) -> dict[str, Kind]:
        root = "/apis" if "/" in api_version else "/api"
        try:
            answer = self._api.read(f"{root}/{api_version}", resource=f"API {api_version}")
        except NotFoundError:
            return {}
        return {
            item["kind"]: Kind(api_version, item["kind"], item["name"], item["namespaced"])
            for item in answer["resources"]
            if "/" not in item["name"]
        }


def defined_kinds(manifests: Sequence[Manifest]) -> dict[tuple[str, str], bool]:
    """Return the kinds that CustomResourceDefinitions among ``manifests`` bring: is it namespaced?

    By (apiVersion, kind).
    """
    brought: dict[tuple[str, str], bool] = {}
    for manifest in manifests:
        if manifest["kind"] == "CustomResourceDefinition":
            spec: Mapping[str, Any] = manifest.get("spec") or {}
            for version in spec.get("versions") or ():
                api_version = f"{spec.get('group')}/{version.get('name')}"
                kind = (spec.get("names") or {}).get("kind", "")
                brought[api_version, kind] = spec.get("scope") == "Namespaced"
    return brought
