"""Pod addresses: 10.a.b.c for Kubernetes, 127.a.b.c for the processes.

EndpointSlices refuse loopback addresses, and nothing but loopback answers without set-up; so a
pod's processes bind 127.a.b.c, Kubernetes is told 10.a.b.c, and whoever connects translates.
"""

__all__ = ["to_cluster", "to_loopback"]

_CLUSTER, _LOOPBACK = "10.", "127."


def to_cluster(address: str) -> str:
    """Return what Kubernetes calls a pod's loopback address."""
    return _CLUSTER + address.removeprefix(_LOOPBACK)


def to_loopback(address: str) -> str:
    """Return where a pod's processes listen; any other address is left as it is."""
    if address.startswith(_CLUSTER):
        return _LOOPBACK + address.removeprefix(_CLUSTER)
    return address
