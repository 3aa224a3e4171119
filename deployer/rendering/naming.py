"""Names and labels, set last: no layer and no patch can point a Service at the wrong pods."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deployer.ports import Manifest
from deployer.rendering.merge import merge_manifest
from deployer.spec.tree import dig
from deployer.values import Json, digest_of

__all__ = [
    "RELEASE_LABEL",
    "STRATEGY_LABEL",
    "Names",
    "config_name",
    "finish_object",
    "name_template",
]

RELEASE_LABEL = "deployer/release"
STRATEGY_LABEL = "deployer/strategy"

_TEMPLATE = "model"
"""What objects are called in the library."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one release's objects.

    Attributes:
        base: The deployment's name; the stable Service and the ServiceAccount have it.
        config: The ConfigMap's, with a hash of its data: a release keeps the one it has.
        rolling: Whether all releases share one Deployment, which is changed in place.
    """

    base: str
    config: str
    release: int
    artifact: str
    rolling: bool = False

    @property
    def direct(self) -> str:
        """The name of the Service that leads to this release alone."""
        return f"{self.base}-r{self.release}"

    @property
    def canary(self) -> str:
        """The name of what leads to a canary."""
        return f"{self.base}-canary"

    @property
    def suffix(self) -> str:
        """What the names of objects end in that come and go with the workload."""
        return self.workload.removeprefix(self.base)

    @property
    def owner(self) -> dict[str, Json]:
        """The labels of objects that come and go with the workload: the release's, if it has it."""
        return {} if self.rolling else self.selector

    @property
    def workload(self) -> str:
        """The name of the Deployment: the release's own, or the one that they share."""
        return self.base if self.rolling else self.direct

    @property
    def labels(self) -> dict[str, Json]:
        """The labels of everything that belongs to this deployment."""
        return {
            "app.kubernetes.io/name": self.base,
            "app.kubernetes.io/managed-by": "deployer",
            "deployer/name": self.base,
        }

    @property
    def selector(self) -> dict[str, Json]:
        """What this release's pods have, and no others."""
        return {"deployer/name": self.base, RELEASE_LABEL: str(self.release)}

    @property
    def served(self) -> dict[str, Json]:
        """What the workload's pods have, those of the release before included while it rolls.

        A Deployment's selector cannot be changed, and must not match another's pods: so a shared
        one selects by a label that releases with a Deployment of their own never have.
        """
        shared = {"deployer/name": self.base, STRATEGY_LABEL: "rolling"}
        return shared if self.rolling else self.selector


def name_template(manifest: Manifest, base: str) -> Manifest:
    """Return a library object under the deployment's name: what patches call it by."""
    name = manifest["metadata"]["name"].replace(_TEMPLATE, base, 1)
    named = {**manifest, "metadata": {**manifest["metadata"], "name": name}}
    renamed: Manifest = _rename_others(_rename_references(named, _TEMPLATE, base, base), base)
    return renamed


def config_name(base: str, manifest: Manifest) -> str:
    """Return the ConfigMap's final name; equal data gives equal names."""
    content = {key: manifest.get(key) for key in ("data", "binaryData")}
    return f"{base}-{digest_of(content).hex[:8]}"


def finish_object(manifest: Manifest, names: Names) -> Manifest:
    """Return the object with its final name, labels, selector and references."""
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    labelled = merge_manifest(manifest, {"metadata": {"labels": names.labels}})
    if field := _scaled_by(manifest, names.base):
        return _finish_follower(labelled, names, field)
    finish = _FINISHERS.get((kind, name.removeprefix(names.base)))
    return finish(labelled, names) if finish and name.startswith(names.base) else labelled


def _scaled_by(manifest: Manifest, base: str) -> str | None:
    """Return the field by which it scales the workload; KEDA's kind may be left out.

    What scales a release's workload belongs to the release. If it stayed while releases come and
    go, it would leave the live one alone the moment the new one is applied.
    """
    for field in ("scaleTargetRef", "targetRef"):
        target = dig(manifest, "spec", field)
        kind = dig(target, "kind") or ("Deployment" if field == "scaleTargetRef" else "")
        if dig(target, "name") == base and kind == "Deployment":
            return field
    return None


def _finish_follower(manifest: Manifest, names: Names, field: str) -> Manifest:
    name = f"{manifest['metadata']['name']}{names.suffix}"
    change = {"metadata": {"name": name, "labels": names.owner}}
    return merge_manifest(manifest, {**change, "spec": {field: {"name": names.workload}}})


def _finish_config(manifest: Manifest, names: Names) -> Manifest:
    return merge_manifest(manifest, {"metadata": {"name": names.config}})


def _finish_service(manifest: Manifest, names: Names) -> Manifest:
    return merge_manifest(manifest, _select(names.served))


def _finish_policy(manifest: Manifest, names: Names) -> Manifest:
    pods = {"matchLabels": {"$patch": "replace", "deployer/name": names.base}}
    return merge_manifest(manifest, {"spec": {"podSelector": pods}})


def _finish_budget(manifest: Manifest, names: Names) -> Manifest:
    metadata = {"name": names.workload, "labels": names.owner}
    pods = {"matchLabels": {"$patch": "replace", **names.served}}
    return merge_manifest(manifest, {"metadata": metadata, "spec": {"selector": pods}})


def _finish_monitor(manifest: Manifest, names: Names) -> Manifest:
    own = {"matchLabels": {"deployer/name": names.base}}
    return merge_manifest(manifest, {"spec": {"selector": own}})


def _select(labels: Mapping[str, Json]) -> Manifest:
    return {"spec": {"selector": {"$patch": "replace", **labels}}}


def _finish_direct(manifest: Manifest, names: Names) -> Manifest:
    metadata = {"name": names.direct, "labels": names.selector}
    return merge_manifest(manifest, {"metadata": metadata, **_select(names.selector)})


def _finish_workload(manifest: Manifest, names: Names) -> Manifest:
    labels = {**names.labels, **names.served, **names.selector}
    artifact = {"deployer/artifact": names.artifact}
    merged = merge_manifest(
        manifest,
        {
            "metadata": {"name": names.workload, "labels": labels, "annotations": artifact},
            "spec": {
                "selector": {"matchLabels": {"$patch": "replace", **names.served}},
                "template": {"metadata": {"labels": labels, "annotations": artifact}},
            },
        },
    )
    return _select_own_pods(_rename_references(merged, names.base, names.base, names.config), names)


def _select_own_pods(manifest: Manifest, names: Names) -> Manifest:
    """Spread the workload's pods among themselves, where a constraint says nothing else."""
    pod = manifest["spec"]["template"]["spec"]
    own = {"labelSelector": {"matchLabels": names.served}}
    constraints = [
        item if item.get("labelSelector", {}).get("matchLabels") else {**item, **own}
        for item in pod.get("topologySpreadConstraints", [])
    ]
    if not constraints:
        return manifest
    change = {"topologySpreadConstraints": constraints}
    return merge_manifest(manifest, {"spec": {"template": {"spec": change}}})


_CONFIG_REFERENCES = ("configMap", "configMapRef", "configMapKeyRef")


def _rename_references(value: Json, old: str, account: str, config: str) -> Json:
    """Return ``value`` with references to the ServiceAccount and the ConfigMap ``old`` renamed."""
    if isinstance(value, list):
        return [_rename_references(item, old, account, config) for item in value]
    if not isinstance(value, dict):
        return value
    renamed = {key: _rename_references(item, old, account, config) for key, item in value.items()}
    if renamed.get("serviceAccountName") == old:
        renamed["serviceAccountName"] = account
    for key in _CONFIG_REFERENCES:
        reference = renamed.get(key)
        if isinstance(reference, dict) and reference.get("name") == old:
            renamed[key] = {**reference, "name": config}
    return renamed


_OTHER_REFERENCES = ("scaleTargetRef", "service", "backendRefs")


def _rename_others(value: Json, base: str) -> Json:
    """Return a library object with its references to workload and Service renamed."""
    if isinstance(value, list):
        return [_rename_others(item, base) for item in value]
    if not isinstance(value, dict):
        return value
    renamed = {key: _rename_others(item, base) for key, item in value.items()}
    for key in _OTHER_REFERENCES:
        if key in renamed:
            renamed[key] = _named(renamed[key], base)
    return renamed


def _named(reference: Json, base: str) -> Json:
    if isinstance(reference, list):
        return [_named(item, base) for item in reference]
    refers = isinstance(reference, dict) and reference.get("name") == _TEMPLATE
    return {**reference, "name": base} if refers else reference


_FINISHERS: Mapping[tuple[str, str], Callable[[Manifest, Names], Manifest]] = {
    ("ConfigMap", ""): _finish_config,
    ("Deployment", ""): _finish_workload,
    ("Service", "-direct"): _finish_direct,
    ("Service", ""): _finish_service,
    ("NetworkPolicy", ""): _finish_policy,
    ("PodDisruptionBudget", ""): _finish_budget,
    ("ServiceMonitor", ""): _finish_monitor,
}
"""By kind, and what the name has after the deployment's."""
