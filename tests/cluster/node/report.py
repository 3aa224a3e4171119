"""A pod's status as a kubelet reports it, from how its processes are doing: pure."""

from collections.abc import Mapping
from typing import Any

from deployer.ports import Manifest
from tests.cluster.node.addresses import to_cluster

__all__ = ["NODE_ADDRESS", "describe_pod"]

NODE_ADDRESS = "127.0.0.1"

_KILLED = 137  # 128 + SIGKILL


def describe_pod(status: Manifest, *, out_of_memory: bool) -> dict[str, Any]:
    """Return the status for the API server.

    Args:
        status: As the pod's runner keeps it, with the processes' own address.
        out_of_memory: Say of containers that were killed that they had no memory left.
    """
    address = to_cluster(status["podIP"])
    inits = [_container(one, out_of_memory) for one in status["initContainerStatuses"]]
    containers = [_container(one, out_of_memory) for one in status["containerStatuses"]]
    return {
        "phase": _phase(status["phase"], containers),
        "hostIP": NODE_ADDRESS,
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": _second(status["startTime"]),
        "conditions": [_condition(one) for one in _conditions(status)],
        "initContainerStatuses": inits,
        "containerStatuses": containers,
    }


def _phase(phase: str, containers: list[dict[str, Any]]) -> str:
    """A pod whose containers ran and wait for another start counts as running."""
    begun = any(one["restartCount"] or one["lastState"] for one in containers)
    return "Running" if phase == "Pending" and begun else phase


def _conditions(status: Manifest) -> list[dict[str, Any]]:
    """Add what follows from the others: containers are ready when the pod is (no gates here)."""
    found = [dict(one) for one in status["conditions"]]
    twins = [one | {"type": "ContainersReady"} for one in found if one["type"] == "Ready"]
    return found + twins


def _condition(condition: Mapping[str, Any]) -> dict[str, Any]:
    changed = _second(condition["lastTransitionTime"])
    return {**condition, "lastTransitionTime": changed}


def _container(status: Manifest, out_of_memory: bool) -> dict[str, Any]:
    return {
        **status,
        "imageID": f"process://{status['image']}",
        "state": _state(status["state"], out_of_memory),
        "lastState": _state(status["lastState"], out_of_memory),
    }


def _state(state: Manifest, out_of_memory: bool) -> dict[str, Any]:
    if (ended := state.get("terminated")) is None:
        return dict(state)
    reason = "OOMKilled" if out_of_memory and ended["exitCode"] == _KILLED else ended["reason"]
    times = {key: _second(ended[key]) for key in ("startedAt", "finishedAt")}
    return {"terminated": {**ended, **times, "reason": reason}}


def _second(moment: str) -> str:
    """Kubernetes knows whole seconds only."""
    return moment[:19] + "Z"
