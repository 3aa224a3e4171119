"""A provider: the ports of one target, put together by its adapter's ``connect``."""

from dataclasses import dataclass

from deployer.ports.cluster import Cluster
from deployer.ports.prices import Prices
from deployer.ports.store import ObjectStore
from deployer.ports.usage import UsageSource
from deployer.values import Cloud

__all__ = ["Provider"]


@dataclass(frozen=True, slots=True)
class Provider:
    """What one target can do. An optional ability is a field that may be None, never a flag.

    Making one does no I/O: the SDK is imported and the network is met at the first call.
    """

    cloud: Cloud
    store: ObjectStore
    cluster: Cluster
    prices: Prices
    usage: UsageSource | None = None
