"""Whether there is room: quotas and limits of the namespace, what the nodes have left."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from deployer.ports import Finding, Manifest, Severity
from deployer.providers.kube.api import KubeApi
from deployer.providers.kube.preflight.demand import Amounts, Demand, quantity

__all__ = ["check_limits", "check_nodes", "check_quotas"]

_PAGE = 500
_NONE = Decimal(0)


def check_quotas(api: KubeApi, namespace: str, demands: Sequence[Demand]) -> Iterator[Finding]:
    """Compare what is left of every ResourceQuota with what the release asks for."""
    path = f"/api/v1/namespaces/{namespace}/resourcequotas"
    quotas = api.read(path, resource="every ResourceQuota")["items"]
    asked = _asked(demands)
    tight = [words for quota in quotas for words in _exceeded(quota, asked)]
    for words in tight:
        hint = "Raise the quota, lower service.resources or replicas, or use strategy rolling."
        yield Finding("quota", Severity.ERROR, words, hint)
    if not tight:
        words = f"{len(quotas)} quotas have room" if quotas else "no quota in the namespace"
        yield Finding("quota", Severity.OK, words)


def check_limits(api: KubeApi, namespace: str, demands: Sequence[Demand]) -> Iterator[Finding]:
    """Compare every container with the namespace's LimitRanges."""
    path = f"/api/v1/namespaces/{namespace}/limitranges"
    ranges = api.read(path, resource="every LimitRange")["items"]
    rules = [
        (each["metadata"]["name"], limit)
        for each in ranges
        for limit in each["spec"]["limits"]
        if limit["type"] == "Container"
    ]
    broken = [words for name, rule in rules for words in _beyond(name, rule, demands)]
    for words in broken:
        yield Finding("limits", Severity.ERROR, words, "Change service.resources.")
    if not broken:
        yield Finding("limits", Severity.OK, f"{len(rules)} limits are kept")


def check_nodes(api: KubeApi, demands: Sequence[Demand]) -> Iterator[Finding]:
    """Place the pods on what the nodes have left, as the scheduler would at its best.

    That there is no room now is a warning: an autoscaler may add nodes.
    """
    nodes = list(_pages(api, "/api/v1/nodes", "every Node"))
    pods = list(_pages(api, "/api/v1/pods", "every Pod"))
    free = {node["metadata"]["name"]: _free(node, pods) for node in nodes}
    for demand in demands:
        fitting = [node for node in nodes if _takes(node, demand)]
        placed = _place(demand, [free[node["metadata"]["name"]] for node in fitting])
        yield _judge_room(demand, placed, fitting)


def _asked(demands: Sequence[Demand]) -> dict[str, Decimal]:
    """Return what quotas count, by the names that they count it under."""
    asked = {"pods": Decimal(sum(demand.pods for demand in demands))}
    for demand in demands:
        for prefix, amounts in (("requests.", demand.requests), ("limits.", demand.limits)):
            for name, amount in amounts.items():
                key = f"{prefix}{name}"
                asked[key] = asked.get(key, _NONE) + amount * demand.pods
    asked |= {"count/pods": asked["pods"]}
    plain = {
        name: asked[f"requests.{name}"] for name in ("cpu", "memory") if f"requests.{name}" in asked
    }
    return asked | plain


def _exceeded(quota: Manifest, asked: Amounts) -> Iterator[str]:
    status = quota.get("status") or {}
    for name, hard in (status.get("hard") or {}).items():
        left = quantity(hard) - quantity((status.get("used") or {}).get(name, 0))
        if asked.get(name, _NONE) > left:
            yield (
                f"ResourceQuota {quota['metadata']['name']} leaves {name} {_show(name, left)}, "
                f"the release asks for {_show(name, asked[name])}"
            )


def _beyond(name: str, rule: Mapping[str, Any], demands: Sequence[Demand]) -> Iterator[str]:
    for demand in demands:
        for container, requests, limits in demand.containers:
            whose = f"container {container} of {demand.name} asks for"
            for resource, most in (rule.get("max") or {}).items():
                wanted = max(limits.get(resource, _NONE), requests.get(resource, _NONE))
                if wanted > quantity(most):
                    words = f"{resource} {most} at most, {whose} {_show(resource, wanted)}"
                    yield f"LimitRange {name} allows {words}"
            for resource, least in (rule.get("min") or {}).items():
                wanted = requests.get(resource, quantity(least))
                if wanted < quantity(least):
                    words = f"{resource} {least} at least, {whose} {_show(resource, wanted)}"
                    yield f"LimitRange {name} wants {words}"


def _pages(api: KubeApi, path: str, resource: str) -> Iterator[Any]:
    query: dict[str, Any] = {"limit": _PAGE}
    while True:
        page = api.read(path, resource=resource, query=query)
        yield from page["items"]
        query["continue"] = page["metadata"].get("continue")
        if not query["continue"]:
            return


def _free(node: Manifest, pods: Sequence[Manifest]) -> dict[str, Decimal]:
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    free = {name: quantity(value) for name, value in allocatable.items()}
    for pod in pods:
        if pod["spec"].get("nodeName") != node["metadata"]["name"] or _is_over(pod):
            continue
        free["pods"] = free.get("pods", _NONE) - 1
        for container in pod["spec"]["containers"]:
            for name, value in ((container.get("resources") or {}).get("requests") or {}).items():
                free[name] = free.get(name, _NONE) - quantity(value)
    return free


def _is_over(pod: Manifest) -> bool:
    return (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}


def _takes(node: Manifest, demand: Demand) -> bool:
    """Return whether the node's labels and taints let the pods on."""
    labels = node["metadata"].get("labels") or {}
    if node["spec"].get("unschedulable") or not demand.selector.items() <= labels.items():
        return False
    taints = node["spec"].get("taints") or ()
    return all(
        taint["effect"] == "PreferNoSchedule"
        or any(_tolerates(t, taint) for t in demand.tolerations)
        for taint in taints
    )


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("key") not in (None, "", taint["key"]):
        return False
    by_name = toleration.get("operator") == "Exists"
    return by_name or toleration.get("value", "") == taint.get("value", "")


def _place(demand: Demand, nodes: Sequence[dict[str, Decimal]]) -> int:
    """Put pods where they fit, and take the room; return how many found some."""
    wanted = {**demand.requests, "pods": Decimal(1)}
    placed = 0
    for _ in range(demand.pods):
        room = next((node for node in nodes if _fits(wanted, node)), None)
        if room is None:
            break
        for name, amount in wanted.items():
            room[name] -= amount
        placed += 1
    return placed


def _fits(wanted: Amounts, node: Amounts) -> bool:
    return all(node.get(name, _NONE) >= amount for name, amount in wanted.items() if amount)


def _judge_room(demand: Demand, placed: int, fitting: Sequence[Manifest]) -> Finding:
    size = ", ".join(
        f"{name} {_show(name, each)}" for name, each in sorted(demand.requests.items())
    )
    pod = f"a pod of {demand.name} ({size})"
    if placed == demand.pods:
        return Finding("nodes", Severity.OK, f"{demand.name}: room for {placed} of {demand.pods}")
    if not fitting:
        words = f"no node's labels and taints let {pod} on"
    else:
        words = f"{demand.name}: room for {placed} of {demand.pods} pods now ({size} each)"
    hint = "Add nodes, or let the cluster's autoscaler; until then pods stay pending."
    return Finding("nodes", Severity.WARNING, words, hint)


def _show(name: str, amount: Decimal) -> str:
    if "memory" in name or "storage" in name:
        return f"{amount / 2**20:,.0f} MiB"
    return f"{amount.normalize():f}"
