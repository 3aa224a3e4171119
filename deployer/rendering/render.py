"""From a spec and a release number to the objects of one target.

Layers (base, runtime, overlay), then what the spec sets, then the user's patches, then names and
labels. Equal arguments and files give equal objects.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deployer.ports import Manifest, ObjectRef
from deployer.rendering.library import Layer, load_layers, overlay_of
from deployer.rendering.merge import merge_manifest
from deployer.rendering.naming import (
    RELEASE_LABEL,
    Names,
    config_name,
    finish_object,
    name_template,
)
from deployer.rendering.normalize import normalize_object
from deployer.rendering.patches import Patch, apply_patches, load_patches
from deployer.rendering.server import Server, describe_server
from deployer.rendering.settings import set_config, set_workload
from deployer.spec.model import Spec, TargetSpec
from deployer.values import Json

__all__ = ["RenderedTarget", "compose_target", "content_objects", "render_target"]


@dataclass(frozen=True, slots=True)
class RenderedTarget:
    """One target's part of a release, as `deployer.release.records.TargetBundle` keeps it.

    Attributes:
        workload: The Deployment: ``iris-r42``, or ``iris`` where releases roll in one.
        direct: The Service of this release alone: ``iris-r42``.
        service: The stable Service, ``iris``.
        objects: Everything to apply before the shift, in order.
        shift: The stable Service pointing to this release.
    """

    workload: str
    direct: str
    service: str
    ready_path: str
    infer_path: str
    protocol: str
    objects: tuple[Json, ...]
    shift: Json
    replicas: int
    cpu: str
    memory: str
    gpu: int


def render_target(
    spec: Spec, target: TargetSpec, *, release: int, artifact_digest: str, artifact_uri: str
) -> RenderedTarget:
    """Return the objects that serve the artifact on ``target`` as release ``release``.

    Reads the library and the spec's patch files, nothing else.

    Raises:
        SpecError: The runtime is not there, or a patch cannot be applied.
    """
    files = [spec.locate(patch) for patch in spec.patches]
    return compose_target(
        spec,
        target,
        load_layers(spec.runtime, overlay_of(target)),
        load_patches(files, namespace=target.namespace),
        release=release,
        artifact_digest=artifact_digest,
        artifact_uri=artifact_uri,
    )


def compose_target(
    spec: Spec,
    target: TargetSpec,
    layers: Iterable[Layer],
    patches: Sequence[Patch],
    *,
    release: int,
    artifact_digest: str,
    artifact_uri: str,
) -> RenderedTarget:
    """Return what `render_target` does, from layers and patches that are already read. Pure."""
    server = describe_server(spec)
    model = {"MODEL_URI": artifact_uri, "MODEL_DIGEST": artifact_digest}
    merged = [_set(item, spec, target, server, model) for item in _merge_layers(layers)]
    patched = apply_patches([name_template(item, spec.name) for item in merged], patches)
    names = _choose_names(patched, spec, release, artifact_digest)
    objects = [normalize_object(finish_object(item, names)) for item in patched]
    return _collect(objects, spec, names, server)


def content_objects(
    spec: Spec, target: TargetSpec, *, artifact_digest: str, artifact_uri: str
) -> list[Json]:
    """Return the objects with the release's number taken out: equal content gives equal objects.

    Raises:
        SpecError: As `render_target`.
    """
    rendered = render_target(
        spec, target, release=0, artifact_digest=artifact_digest, artifact_uri=artifact_uri
    )
    objects = [*rendered.objects, rendered.shift]
    return [_without_number(manifest, rendered.direct, spec.name) for manifest in objects]


def _merge_layers(layers: Iterable[Layer]) -> list[Manifest]:
    merged: dict[ObjectRef, Manifest] = {}
    for layer in layers:
        for manifest in layer:
            ref = ObjectRef.of(manifest)
            merged[ref] = merge_manifest(merged.get(ref, {}), manifest)
    return list(merged.values())


def _set(
    manifest: Manifest, spec: Spec, target: TargetSpec, server: Server, model: Mapping[str, str]
) -> Manifest:
    if manifest["kind"] == "Deployment":
        return set_workload(manifest, spec, target, server, model)
    return set_config(manifest, spec) if manifest["kind"] == "ConfigMap" else manifest


def _choose_names(objects: Iterable[Manifest], spec: Spec, release: int, artifact: str) -> Names:
    base, rolling = spec.name, spec.strategy.type == "rolling"
    config = next(item for item in objects if ObjectRef.of(item) == _config_ref(base))
    return Names(base, config_name(base, config), release, artifact, rolling)


def _config_ref(base: str) -> ObjectRef:
    return ObjectRef("v1", "ConfigMap", base)


def _collect(objects: list[Json], spec: Spec, names: Names, server: Server) -> RenderedTarget:
    stable = ObjectRef("v1", "Service", names.base)
    shift = next(item for item in objects if ObjectRef.of(item) == stable)
    rest = [item for item in objects if item is not shift]
    wanted = spec.service.resources
    return RenderedTarget(
        workload=names.workload,
        direct=names.direct,
        service=names.base,
        ready_path=server.ready,
        infer_path=server.infer,
        protocol=server.protocol,
        objects=tuple(sorted(rest, key=_rank)),
        shift=shift,
        replicas=spec.service.replicas.min,
        cpu=wanted.cpu,
        memory=wanted.memory,
        gpu=wanted.gpu,
    )


_ORDER = (
    "Namespace",
    "CustomResourceDefinition",
    "ServiceAccount",
    "ConfigMap",
    "Role",
    "RoleBinding",
    "PersistentVolumeClaim",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Service",
)
"""What others refer to goes first; then workloads, then what acts on them."""

_LAST = ("HorizontalPodAutoscaler", "Ingress")


def _rank(manifest: Json) -> tuple[int, str, str]:
    kind = manifest["kind"]
    rank = _ORDER.index(kind) if kind in _ORDER else len(_ORDER) + (kind in _LAST)
    return rank, kind, manifest["metadata"]["name"]


def _without_number(value: Json, direct: str, base: str) -> Json:
    if isinstance(value, dict):
        return {
            key: _without_number(item, direct, base)
            for key, item in value.items()
            if key != RELEASE_LABEL
        }
    if isinstance(value, list):
        return [_without_number(item, direct, base) for item in value]
    return base if value == direct else value
