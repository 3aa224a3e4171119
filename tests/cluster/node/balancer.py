"""Load balancers without a cloud: a loopback address per Service, forwarded to its endpoints."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.errors import QuotaError
from deployer.ports import Clock, Manifest
from deployer.providers.local.addresses import pick_address
from deployer.providers.local.supervisor.forwarders import Forwarder
from tests.cluster.api import Api, ApiError
from tests.cluster.node.addresses import to_loopback
from tests.cluster.node.watcher import Watcher

__all__ = ["Balancer"]

_SERVICE = "kubernetes.io/service-name"
_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Endpoint:
    name: str
    address: str
    ports: Mapping[str, int]


class Balancer:
    """Gives each Service of type LoadBalancer an address and forwards its ports to ready pods.

    While no endpoint is ready nothing listens.
    """

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._changed = asyncio.Event()
        self._addresses: dict[str, str] = {}
        self._forwarders: dict[tuple[str, int], Forwarder] = {}
        self._services = Watcher(api, "/api/v1/services", self._note, clock=clock)
        path = "/apis/discovery.k8s.io/v1/endpointslices"
        self._slices = Watcher(api, path, self._note, clock=clock)

    async def run(self) -> None:
        """Follow Services and EndpointSlices until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._reconcile()
            except (ApiError, QuotaError):
                await asyncio.sleep(_RETRY_SECONDS)
                self._changed.set()

    def _note(self, _item: Any, _gone: bool) -> None:
        self._changed.set()

    async def _reconcile(self) -> None:
        wanted = {
            uid: service
            for uid, service in self._services.items.items()
            if service["spec"].get("type") == "LoadBalancer"
        }
        for uid, service in wanted.items():
            await self._serve(uid, service)
        kept = {(uid, p["port"]) for uid, service in wanted.items() for p in _ports(service)}
        for key in set(self._forwarders) - kept:
            await self._forwarders.pop(key).close()
        for uid in set(self._addresses) - set(wanted):
            del self._addresses[uid]

    async def _serve(self, uid: str, service: Manifest) -> None:
        if uid not in self._addresses:
            numbers = [port["port"] for port in _ports(service)]
            self._addresses[uid] = pick_address(
                numbers, self._addresses.values(), first=_had(service)
            )
        for port in _ports(service):
            await self._forward(uid, service, port)
        if _had(service) != self._addresses[uid]:
            await asyncio.to_thread(self._publish, service, self._addresses[uid])

    async def _forward(self, uid: str, service: Manifest, port: Manifest) -> None:
        key = (uid, port["port"])
        if key not in self._forwarders:
            by_name = {"port": port["port"], "targetPort": port.get("name", "")}
            self._forwarders[key] = Forwarder(self._addresses[uid], by_name)
        await self._forwarders[key].update(list(self._ready(service)))

    def _publish(self, service: Manifest, address: str) -> None:
        status = {"loadBalancer": {"ingress": [{"ip": address}]}}
        metadata = service["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}/status"
        self._api.patch(path, {"metadata": {"uid": metadata["uid"]}, "status": status})

    def _ready(self, service: Manifest) -> Iterator[_Endpoint]:
        metadata = service["metadata"]
        for found in self._slices.items.values():
            labels = found["metadata"].get("labels") or {}
            ours = labels.get(_SERVICE) == metadata["name"]
            if ours and found["metadata"]["namespace"] == metadata["namespace"]:
                yield from _endpoints(found)


def _endpoints(found: Manifest) -> Iterator[_Endpoint]:
    ports = {port.get("name", ""): port["port"] for port in found.get("ports") or ()}
    for endpoint in found.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready", True):
            address = endpoint["addresses"][0]
            yield _Endpoint(address, to_loopback(address), ports)


def _ports(service: Manifest) -> list[Any]:
    return [p for p in service["spec"].get("ports") or () if p.get("protocol", "TCP") == "TCP"]


def _had(service: Manifest) -> str:
    balancer = (service.get("status") or {}).get("loadBalancer") or {}
    return str((balancer.get("ingress") or [{}])[0].get("ip", ""))
