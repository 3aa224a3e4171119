"""From a spec and a release number to the objects of one target.

Layers (base, runtime, overlay), then what the spec sets, then the user's patches, then names and
labels. Equal arguments and files give equal objects.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deployer.ports import Manifest, ObjectRef
from deployer.rendering.canary import make_canary
from deployer.rendering.extras import set_extra
from deployer.rendering.library import Layer, load_layers
from deployer.rendering.merge import merge_manifest
from deployer.rendering.naming import (
    RELEASE_LABEL,
    Names,
    config_name,
    finish_object,
    name_template,
)
from deployer.rendering.normalize import normalize_object
from deployer.rendering.options import choose_options
from deployer.rendering.patches import Patch, apply_patches, load_patches
from deployer.rendering.request import Request, describe_request
from deployer.rendering.settings import set_workload
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
        canary: What leads to this release while it is a canary; empty by another strategy.
    """

    workload: str
    direct: str
    service: str
    ready_path: str
    infer_path: str
    protocol: str
    objects: tuple[Json, ...]
    shift: Json
    canary: tuple[Json, ...]
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
    request = describe_request(
        spec, target, release=release, digest=artifact_digest, uri=artifact_uri
    )
    layers = load_layers(spec, request.kind, choose_options(request))
    return compose_target(request, layers, load_patches(spec, namespace=target.namespace))


def compose_target(
    request: Request, layers: Iterable[Layer], patches: Sequence[Patch]
) -> RenderedTarget:
    """Return what `render_target` does, from layers and patches that are already read. Pure."""
    name = request.spec.name
    merged = [_set(item, request) for item in _merge_layers(layers)]
    patched = apply_patches([name_template(item, name) for item in merged], patches)
    names = _choose_names(patched, request)
    objects = [normalize_object(finish_object(item, names)) for item in patched]
    return _collect(objects, request, names)


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
            if manifest.get("$patch") == "delete":
                merged.pop(ref, None)
            else:
                merged[ref] = merge_manifest(merged.get(ref, {}), manifest)
    return list(merged.values())


def _set(manifest: Manifest, request: Request) -> Manifest:
    workload = manifest["kind"] == "Deployment"
    return set_workload(manifest, request) if workload else set_extra(manifest, request)


def _choose_names(objects: Iterable[Manifest], request: Request) -> Names:
    base, rolling = request.spec.name, request.spec.strategy.type == "rolling"
    config = next(item for item in objects if ObjectRef.of(item) == _config_ref(base))
    name = config_name(base, config)
    return Names(base, name, request.release, str(request.digest), rolling)


def _config_ref(base: str) -> ObjectRef:
    return ObjectRef("v1", "ConfigMap", base)


def _collect(objects: list[Json], request: Request, names: Names) -> RenderedTarget:
    server = request.server
    stable = ObjectRef("v1", "Service", names.base)
    shift = next(item for item in objects if ObjectRef.of(item) == stable)
    rest = [item for item in objects if item is not shift]
    return RenderedTarget(
        workload=names.workload,
        direct=names.direct,
        service=names.base,
        ready_path=server.ready,
        infer_path=server.infer,
        protocol=server.protocol,
        objects=tuple(sorted(rest, key=_rank)),
        shift=shift,
        canary=tuple(sorted(make_canary(objects, request, names), key=_rank)),
        replicas=request.spec.service.replicas.min,
        cpu=server.size.cpu,
        memory=server.size.memory,
        gpu=server.size.gpu,
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

_LAST = (
    "HorizontalPodAutoscaler",
    "ScaledObject",
    "Ingress",
    "HTTPRoute",
    "ServiceMonitor",
)


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
