"""What a node says about itself: its registration, its status and its lease, pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.cluster.node.report import NODE_ADDRESS

__all__ = ["CAPACITY", "describe_lease", "describe_node", "describe_node_status"]

CAPACITY = {
    "cpu": "64",
    "memory": "256Gi",
    "ephemeral-storage": "100Gi",
    "pods": "500",
    "nvidia.com/gpu": "2",
}
"""More than the machine has: requests are for the scheduler, processes share what there is."""

_CLOUDS: Mapping[str, Mapping[str, str]] = {
    "aws": {
        "topology.kubernetes.io/region": "us-east-1",
        "topology.kubernetes.io/zone": "us-east-1a",
        "node.kubernetes.io/instance-type": "m6i.xlarge",
        "eks.amazonaws.com/nodegroup": "general",
        "eks.amazonaws.com/capacityType": "ON_DEMAND",
    },
    "gcp": {
        "topology.kubernetes.io/region": "us-central1",
        "topology.kubernetes.io/zone": "us-central1-a",
        "node.kubernetes.io/instance-type": "e2-standard-4",
        "cloud.google.com/gke-nodepool": "general",
    },
    "azure": {
        "topology.kubernetes.io/region": "eastus",
        "topology.kubernetes.io/zone": "eastus-1",
        "node.kubernetes.io/instance-type": "Standard_D4s_v5",
        "kubernetes.azure.com/agentpool": "general",
        "kubernetes.azure.com/mode": "user",
    },
}
"""The labels that each cloud puts on its nodes and that selectors go by."""

_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")


def describe_node(
    name: str, cloud: str, labels: Mapping[str, str], taint: str | None
) -> dict[str, Any]:
    """Return the Node to register; ``taint`` is ``key=value``, without its effect NoSchedule."""
    own = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
    }
    key, _, value = (taint or "").partition("=")
    taints = [{"key": key, "value": value, "effect": "NoSchedule"}] if taint else []
    metadata = {"name": name, "labels": {**own, **_CLOUDS.get(cloud, {}), **labels}}
    return {"metadata": metadata, "spec": {"taints": taints}}


def describe_node_status(*, port: int, now: datetime, since: datetime) -> dict[str, Any]:
    """Return the status of a node that is well and whose logs are served on ``port``."""
    times = {"lastHeartbeatTime": _seconds(now), "lastTransitionTime": _seconds(since)}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "", **times}
    fine = {"status": "False", "reason": "Sufficient", "message": "", **times}
    return {
        "capacity": CAPACITY,
        "allocatable": CAPACITY,
        "addresses": [{"type": "InternalIP", "address": NODE_ADDRESS}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "conditions": [ready, *({"type": kind, **fine} for kind in _PRESSURES)],
        "nodeInfo": {
            "kubeletVersion": "v1.36.3-processes",
            "containerRuntimeVersion": "process://1",
            "operatingSystem": "linux",
            "architecture": "amd64",
            "osImage": "the machine that tests run on",
            "kernelVersion": "",
            "kubeProxyVersion": "",
            "bootID": "",
            "machineID": "",
            "systemUUID": "",
        },
    }


def describe_lease(name: str, now: datetime) -> dict[str, Any]:
    """Return the Lease that says that the node is alive."""
    return {
        "metadata": {"name": name, "namespace": "kube-node-lease"},
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": 20,
            "renewTime": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}",
        },
    }


def _seconds(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
