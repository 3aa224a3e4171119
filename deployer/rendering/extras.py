"""What the spec sets in the objects beside the workload: scaling, ways in, metrics, identity."""

from collections.abc import Callable, Mapping

from deployer.ports import Manifest
from deployer.rendering.merge import merge_manifest
from deployer.rendering.request import Request
from deployer.spec.library import Metrics, Overlay
from deployer.spec.model import Spec, TargetSpec
from deployer.spec.placement import Expose
from deployer.spec.service import Trigger
from deployer.values import Json

__all__ = ["set_extra"]


def set_extra(manifest: Manifest, request: Request) -> Manifest:
    """Return the object with what the spec says of its kind; others as they are."""
    spec, target, metrics = request.spec, request.target, request.server.metrics
    setters: Mapping[str, Callable[[], Manifest]] = {
        "ConfigMap": lambda: {"data": dict(spec.service.env)},
        "ServiceAccount": lambda: _identity(target, request.overlay),
        "Service": lambda: _metrics_port(manifest, spec, metrics),
        "HorizontalPodAutoscaler": lambda: _autoscaler(spec),
        "ScaledObject": lambda: _scaled_object(spec),
        "ServiceMonitor": lambda: _monitor(spec, metrics),
        "Ingress": lambda: _ingress(manifest, target.expose),
        "HTTPRoute": lambda: _route(target.expose),
    }
    setter = setters.get(manifest["kind"])
    return merge_manifest(manifest, setter()) if setter else manifest


def _identity(target: TargetSpec, overlay: Overlay) -> Manifest:
    if not (target.identity and overlay.identity):
        return {}
    return {"metadata": {"annotations": {overlay.identity: target.identity}}}


def _metrics_port(manifest: Manifest, spec: Spec, metrics: Metrics | None) -> Manifest:
    """The release's own Service shows the metrics' port as well; the stable one never does."""
    direct = manifest["metadata"]["name"] == "model-direct"
    if not direct or spec.service.monitor is None or metrics is None or metrics.port == "http":
        return {}
    port = {"name": "metrics", "port": 9090, "targetPort": metrics.port, "protocol": "TCP"}
    return {"spec": {"ports": [port]}}


def _autoscaler(spec: Spec) -> Manifest:
    replicas = spec.service.replicas
    target = {"type": "Utilization", "averageUtilization": replicas.cpu_percent}
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    return {
        "spec": {
            "minReplicas": replicas.min,
            "maxReplicas": replicas.max,
            "metrics": [metric],
        }
    }


def _scaled_object(spec: Spec) -> Manifest:
    replicas = spec.service.replicas
    return {
        "spec": {
            "minReplicaCount": replicas.min,
            "maxReplicaCount": replicas.max,
            "triggers": [_trigger(trigger) for trigger in replicas.triggers],
        }
    }


def _trigger(trigger: Trigger) -> Json:
    login = trigger.authentication
    return {
        "type": trigger.type,
        "metadata": dict(trigger.metadata),
        **({"authenticationRef": {"name": login}} if login else {}),
    }


def _monitor(spec: Spec, metrics: Metrics | None) -> Manifest:
    monitor = spec.service.monitor
    if monitor is None or metrics is None:
        return {}
    port = "http" if metrics.port == "http" else "metrics"
    interval = f"{max(1, round(monitor.interval))}s"
    return {
        "metadata": {"labels": dict(monitor.labels)},
        "spec": {"endpoints": [{"port": port, "path": metrics.path, "interval": interval}]},
    }


def _ingress(manifest: Manifest, way: str | Expose | None) -> Manifest:
    ingress = way.ingress if isinstance(way, Expose) else None
    if ingress is None:
        return {}
    [rule] = manifest["spec"]["rules"]
    spec: dict[str, Json] = {"rules": [{"host": ingress.host, **rule}]}
    if ingress.class_name:
        spec["ingressClassName"] = ingress.class_name
    if ingress.tls_secret:
        spec["tls"] = [{"hosts": [ingress.host], "secretName": ingress.tls_secret}]
    return {"spec": spec}


def _route(way: str | Expose | None) -> Manifest:
    gateway = way.gateway if isinstance(way, Expose) else None
    if gateway is None:
        return {}
    parent = {"name": gateway.name}
    if gateway.namespace:
        parent["namespace"] = gateway.namespace
    return {"spec": {"parentRefs": [parent], "hostnames": [gateway.host]}}
