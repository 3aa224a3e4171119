"""The written form that servers agree on: protocols spelled out, quantities as strings.

Server-side apply tells ports apart by number and protocol, so the protocol is never left to a
default (Kubernetes API, ``x-kubernetes-list-map-keys`` of ports); older servers refuse quantities
that are numbers, and all of them store one text for equal amounts.
"""

from deployer.rendering.quantity import canonical_quantity
from deployer.values import Json

__all__ = ["normalize_object"]


def normalize_object(value: Json, key: str = "") -> Json:
    """Return the same object in its normal form; a deep copy, which shares nothing."""
    if isinstance(value, list):
        return [normalize_object(_with_protocol(item, key), "") for item in value]
    if not isinstance(value, dict):
        return value
    if key in {"requests", "limits"}:
        return {name: _quantity(quantity) for name, quantity in value.items()}
    return {name: normalize_object(item, name) for name, item in value.items()}


def _quantity(value: Json) -> Json:
    text = str(value) if isinstance(value, int | float) else value
    return canonical_quantity(text) if isinstance(text, str) else text


def _with_protocol(item: Json, key: str) -> Json:
    """Return a port of a container or a Service with its protocol; anything else as it is."""
    is_port = key == "ports" and isinstance(item, dict) and {"port", "containerPort"} & set(item)
    return {**item, "protocol": item.get("protocol", "TCP")} if is_port else item
