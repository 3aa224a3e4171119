"""Whether what a release refers to is there: a storage class, the secrets to pull images with."""

from collections.abc import Iterator, Sequence
from typing import Any

from deployer.errors import NotFoundError
from deployer.ports import Finding, Manifest, Severity
from deployer.providers.kube.api import KubeApi

__all__ = ["check_secrets", "check_storage"]

_DEFAULT = "storageclass.kubernetes.io/is-default-class"


def check_storage(api: KubeApi, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """See that every claim's storage class is there, the default one where none is named."""
    claims = list(_claims(manifests))
    if not claims:
        return
    classes = api.read("/apis/storage.k8s.io/v1/storageclasses", resource="every StorageClass")
    names = {each["metadata"]["name"] for each in classes["items"]}
    default = any(_is_default(each) for each in classes["items"])
    for name, wanted in claims:
        if wanted is None and not default:
            words = f"claim {name} names no storage class, and the cluster has no default"
        elif wanted and wanted not in names:
            words = f"claim {name} wants storage class {wanted}, which is not there"
        else:
            continue
        there = f"There are: {', '.join(sorted(names)) or 'none'}."
        yield Finding("storage", Severity.ERROR, words, f"Write storageClassName. {there}")


def check_secrets(api: KubeApi, namespace: str, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """See that every secret for pulling images is there."""
    own = {each["metadata"]["name"] for each in manifests if each["kind"] == "Secret"}
    for name in dict.fromkeys(_pull_secrets(manifests)):
        if name in own:
            continue
        try:
            api.read(f"/api/v1/namespaces/{namespace}/secrets/{name}", resource=f"Secret/{name}")
        except NotFoundError:
            yield Finding(
                "secrets",
                Severity.ERROR,
                f"there is no Secret {name} to pull images with in namespace {namespace}",
                f"kubectl --namespace {namespace} create secret docker-registry {name} …",
            )
        else:
            yield Finding("secrets", Severity.OK, f"Secret {name} for pulling images is there")


def _claims(manifests: Sequence[Manifest]) -> Iterator[tuple[str, str | None]]:
    for manifest in manifests:
        if manifest["kind"] == "PersistentVolumeClaim":
            yield manifest["metadata"]["name"], manifest["spec"].get("storageClassName")
        for claim in (manifest.get("spec") or {}).get("volumeClaimTemplates") or ():
            yield claim["metadata"]["name"], claim["spec"].get("storageClassName")


def _pull_secrets(manifests: Sequence[Manifest]) -> Iterator[str]:
    for manifest in manifests:
        template: Any = ((manifest.get("spec") or {}).get("template") or {}).get("spec") or {}
        places = [manifest] if manifest["kind"] == "ServiceAccount" else [template]
        for place in places:
            for secret in place.get("imagePullSecrets") or ():
                yield str(secret["name"])


def _is_default(storage_class: Manifest) -> bool:
    notes = storage_class["metadata"].get("annotations") or {}
    return bool(notes.get(_DEFAULT) == "true")
