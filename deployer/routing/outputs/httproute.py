"""A Gateway API HTTPRoute that splits by the routes' weights, and what Gateways say of it. Pure.

Facts of the API (gateway.networking.k8s.io/v1): a weight is 0 to 1,000,000, and 1 where it is left
out; rules are one list with one owner, so they are written whole; with all weights 0 every request
is an error. What an HTTPRoute can't express stands in `deployer.routing.capabilities`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deployer.errors import SourceError, StateError
from deployer.ports import Manifest
from deployer.routing.capabilities import Engine, check_orders
from deployer.routing.plane import Orders

__all__ = [
    "API_VERSION",
    "BackendRef",
    "ParentVerdict",
    "RouteShape",
    "make_httproute",
    "parse_ref",
    "read_verdicts",
]

API_VERSION = "gateway.networking.k8s.io/v1"
_MOST = 1_000_000
_REF = re.compile(
    r"(?:(?P<kind>[A-Z]\w*)(?:\.(?P<group>[a-z0-9.-]+))?/)?(?P<name>[a-z0-9.-]+)(?::(?P<port>\d+))?"
)


@dataclass(frozen=True, slots=True)
class BackendRef:
    """What stands for a target on the cluster: a Service, or what the implementation brings."""

    name: str
    port: int | None = None
    kind: str = "Service"
    group: str = ""


@dataclass(frozen=True, slots=True)
class RouteShape:
    """All of a route that the routes of ours do not say.

    Attributes:
        gateway: ``NAME`` or ``NAMESPACE/NAME``.
        hosts: Host names it is for; all when empty.
        path: Prefix of the paths it is for.
    """

    name: str
    gateway: str
    refs: Mapping[str, BackendRef]
    hosts: Sequence[str] = ()
    path: str = "/"


@dataclass(frozen=True, slots=True)
class ParentVerdict:
    """What one Gateway's controller says of the route as it is now.

    Attributes:
        current: It speaks of the newest version of the route.
        troubles: Its conditions that are not as they should be, with reason and message.
    """

    gateway: str
    controller: str
    current: bool
    accepted: bool | None
    resolved: bool | None
    troubles: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether requests are served by it."""
        return self.current and self.accepted is True and self.resolved is True


def parse_ref(text: str) -> tuple[str, BackendRef]:
    """Read ``TARGET=[KIND[.GROUP]/]NAME[:PORT]``; a Service needs its port.

    Raises:
        SourceError: It is not written like that.
    """
    target, _, rest = text.partition("=")
    found = _REF.fullmatch(rest)
    hint = "Write TARGET=SERVICE:PORT, or TARGET=KIND.GROUP/NAME."
    if not target or found is None:
        raise SourceError(f"{text!r} names no backend on a cluster", hint=hint)
    ref = BackendRef(
        name=found["name"],
        port=int(found["port"]) if found["port"] else None,
        kind=found["kind"] or "Service",
        group=found["group"] or "",
    )
    if (ref.kind, ref.group) == ("Service", "") and ref.port is None:
        raise SourceError(f"{text!r} names a Service without its port", hint=hint)
    return target, ref


def make_httproute(orders: Orders, shape: RouteShape) -> Manifest:
    """Return the route.

    Raises:
        StateError: The orders ask for what an HTTPRoute can't do, or all weights are 0.
        SourceError: A target has no reference, or a reference no target.
    """
    check_orders(Engine.GATEWAY, orders)
    targets = {endpoint.backend.target for endpoint in orders.endpoints}
    _check_refs(targets, set(shape.refs))
    weights = [endpoint.backend.weight for endpoint in orders.endpoints]
    if not any(weights):
        raise StateError("all weights are 0: every request would be answered with an error")
    if max(weights) > _MOST:
        raise StateError(f"a weight is {max(weights):,}; an HTTPRoute takes {_MOST:,} at most")
    namespace, _, gateway = shape.gateway.rpartition("/")
    parent = {"name": gateway, **({"namespace": namespace} if namespace else {})}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": shape.path}}],
        "backendRefs": [
            _write_ref(shape.refs[endpoint.backend.target], endpoint.backend.weight)
            for endpoint in orders.endpoints
        ],
    }
    spec = {"parentRefs": [parent], "rules": [rule]}
    if shape.hosts:
        spec["hostnames"] = list(shape.hosts)
    return {
        "apiVersion": API_VERSION,
        "kind": "HTTPRoute",
        "metadata": {"name": shape.name},
        "spec": spec,
    }


def read_verdicts(route: Manifest) -> tuple[ParentVerdict, ...]:
    """Return what each Gateway says; nothing as long as no controller has seen the route."""
    generation = int(route["metadata"].get("generation", 0))
    parents = (route.get("status") or {}).get("parents") or ()
    return tuple(_read_parent(parent, generation) for parent in parents)


def _check_refs(targets: set[str], known: set[str]) -> None:
    if missing := sorted(targets - known):
        raise SourceError(
            f"what stands for {', '.join(missing)} on the cluster is not said",
            hint=f"Add --ref {missing[0]}=SERVICE:PORT.",
        )
    if stray := sorted(known - targets):
        raise SourceError(f"--ref names {', '.join(stray)}, and no backend is called that")


def _write_ref(ref: BackendRef, weight: int) -> Manifest:
    port = {"port": ref.port} if ref.port is not None else {}
    return {"group": ref.group, "kind": ref.kind, "name": ref.name, "weight": weight, **port}


def _read_parent(parent: Manifest, generation: int) -> ParentVerdict:
    conditions = parent.get("conditions") or ()
    states = {one["type"]: one["status"] for one in conditions}
    reference = parent["parentRef"]
    place = reference.get("namespace")
    return ParentVerdict(
        gateway=f"{place}/{reference['name']}" if place else reference["name"],
        controller=parent.get("controllerName", ""),
        current=bool(conditions)
        and all(int(one.get("observedGeneration", 0)) >= generation for one in conditions),
        accepted=_as_bool(states.get("Accepted")),
        resolved=_as_bool(states.get("ResolvedRefs")),
        troubles=tuple(_describe(one) for one in conditions if _is_trouble(one)),
    )


def _as_bool(status: str | None) -> bool | None:
    return {"True": True, "False": False}.get(status or "")


def _is_trouble(condition: Manifest) -> bool:
    wanted = {"Accepted": "True", "ResolvedRefs": "True", "PartiallyInvalid": "False"}
    return bool(condition["status"] != wanted.get(condition["type"], condition["status"]))


def _describe(condition: Manifest) -> str:
    why = f"{condition.get('reason', '')}: {condition.get('message', '')}".strip(": ")
    return f"{condition['type']} is {condition['status'].lower()}: {why or 'no reason given'}"
