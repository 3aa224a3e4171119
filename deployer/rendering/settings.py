"""What the spec sets in the objects: replicas, resources, images, probes, environment.

All by assigning to fields; no text is ever pasted into YAML. Written as one more layer where a
merge can say it, by hand where order counts: Kubernetes expands ``$(NAME)`` only from variables
that stand before (Kubernetes API reference, EnvVar.value).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import deployer
from deployer.artifact import artifact_uri
from deployer.ports import Manifest
from deployer.rendering.merge import merge_manifest
from deployer.rendering.placement import place_pods
from deployer.rendering.request import Request
from deployer.rendering.server import Server
from deployer.spec.model import Spec, TargetSpec
from deployer.spec.strategy import Strategy
from deployer.values import Cloud, Digest, Json

__all__ = ["default_image", "set_workload"]


def default_image() -> str:
    """Return the image that pulls the model when the spec names none: the repository's own."""
    return f"deployer:{deployer.__version__}"


def set_workload(manifest: Manifest, request: Request) -> Manifest:
    """Return the Deployment as the spec wants it."""
    spec, target = request.spec, request.target
    merged = merge_manifest(manifest, _settings(request))
    pod = merged["spec"]["template"]["spec"]
    standard = _standard(request)
    pulling = [*standard, *_literals(_region(target))]
    others = _other_sources(spec, target, request.digest)
    return _with_pod(
        merged,
        {
            **pod,
            "initContainers": [
                _pulling(item, pulling, target, others) for item in pod["initContainers"]
            ],
            "containers": [_serving(item, standard, spec) for item in pod["containers"]],
            "volumes": [_sized(item, spec.service.resources.disk) for item in pod["volumes"]],
        },
    )


def _standard(request: Request) -> list[Json]:
    """Return the variables that every container of ours has, the runtime's may refer to them."""
    return _literals(
        {
            "MODEL_NAME": request.spec.name,
            "MODEL_DIR": request.server.folder,
            "MODEL_URI": request.uri,
            "MODEL_DIGEST": str(request.digest),
        }
    )


def _settings(request: Request) -> Manifest:
    spec, target, server = request.spec, request.target, request.server
    containers = [
        {
            "name": "server",
            "resources": _resources(spec, server),
            "startupProbe": {"httpGet": {"path": server.ready}},
            "readinessProbe": {"httpGet": {"path": server.ready}},
            "livenessProbe": {"httpGet": {"path": server.live}},
        }
    ]
    image = {"name": "model", "image": spec.service.image or default_image()}
    pod = {
        "containers": containers,
        "initContainers": [image],
        **place_pods(target.nodes, request.overlay, gpu=server.size.gpu),
    }
    if spec.service.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in spec.service.pull_secrets]
    return {
        "spec": {
            "replicas": spec.service.replicas.min,
            "progressDeadlineSeconds": max(1, int(target.timeout)),
            **_rollout(spec.strategy),
            "template": {"spec": pod},
        }
    }


def _rollout(strategy: Strategy) -> Mapping[str, Json]:
    """Return how pods replace one another, where they do; else the library says it."""
    if strategy.type != "rolling":
        return {}
    limits = {
        "maxUnavailable": _count_or_share(strategy.max_unavailable),
        "maxSurge": _count_or_share(strategy.max_surge),
    }
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": limits}}


def _count_or_share(text: str) -> Json:
    """Return an IntOrString as Kubernetes tells the two apart: a count is no string."""
    return text if text.endswith("%") else int(text)


def _resources(spec: Spec, server: Server) -> Json:
    """Return requests and limits: memory is a promise both ways, processor time may be borrowed."""
    size, limit = server.size, spec.service.resources.cpu_limit
    gpu = {"nvidia.com/gpu": str(size.gpu)} if size.gpu else {}
    return {
        "requests": {"cpu": size.cpu, "memory": size.memory, **gpu},
        "limits": {**({"cpu": limit} if limit else {}), "memory": size.memory, **gpu},
    }


def _sized(volume: Manifest, disk: str | None) -> Manifest:
    """Return the model's volume with the size that was asked for, where it is a disk."""
    if disk is None or volume["name"] != "model" or "ephemeral" not in volume:
        return volume
    size = {"spec": {"resources": {"requests": {"storage": disk}}}}
    return merge_manifest(volume, {"ephemeral": {"volumeClaimTemplate": size}})


def _region(target: TargetSpec) -> Mapping[str, str]:
    """Return what the S3 client in the pod must know of the region."""
    is_s3 = target.provider in {Cloud.AWS, Cloud.KUBERNETES}
    return {"AWS_REGION": target.region} if is_s3 and target.region else {}


def _pulling(
    container: Manifest, env: Sequence[Json], target: TargetSpec, others: Sequence[str]
) -> Manifest:
    if container["name"] != "model":
        return container
    store = target.store
    options = {"--endpoint": store.endpoint, "--payer": store.payer}
    options["--customer-key"] = store.customer_key
    words = [word for name, value in options.items() if value for word in (name, value)]
    command = [*container["command"], *words]
    command += [word for source in others for word in ("--or", source)]
    return {**container, "command": command, "env": _ordered(env, container)}


def _other_sources(spec: Spec, target: TargetSpec, digest: Digest) -> list[str]:
    """Return where else the model is: a pod whose own store is away still starts (G7).

    A folder is a source only for pods on the same machine.
    """
    stores = dict.fromkeys(other.store for other in spec.targets if other.store != target.store)
    return [
        artifact_uri(store.url, digest)
        + (f",endpoint={store.endpoint}" if store.endpoint else "")
        + (f",payer={store.payer}" if store.payer else "")
        + (f",customer-key={store.customer_key}" if store.customer_key else "")
        for store in stores
        if target.cluster.local or not store.url.startswith("file://")
    ]


def _serving(container: Manifest, standard: Sequence[Json], spec: Spec) -> Manifest:
    if container["name"] != "server":
        return container
    chosen = [
        {"name": name, "valueFrom": {"configMapKeyRef": {"name": "model", "key": name}}}
        for name in spec.service.env
    ]
    return {**container, "env": _ordered(standard, container, chosen)}


def _ordered(first: Sequence[Json], container: Manifest, last: Sequence[Json] = ()) -> list[Json]:
    """Return each variable once: ours, the runtime's, the user's; of two the later one stays."""
    by_name: dict[str, Json] = {}
    for item in [*first, *container.get("env", []), *last]:
        by_name[item["name"]] = item
    return list(by_name.values())


def _literals(values: Mapping[str, str]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _with_pod(manifest: Manifest, pod: Any) -> Manifest:
    spec = manifest["spec"]
    return {**manifest, "spec": {**spec, "template": {**spec["template"], "spec": pod}}}
