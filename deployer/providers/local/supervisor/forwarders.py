"""A Service as a TCP forwarder on an address of its own."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from deployer.ports import Manifest
from deployer.providers.local.objects import matches
from deployer.providers.local.supervisor.pods import PodRunner
from deployer.providers.local.supervisor.probes import find_port

__all__ = ["Endpoint", "Forwarder", "select_pods"]

_CONNECT_SECONDS = 2.0
_BACKLOG = 1024


class Endpoint(Protocol):
    """Something that connections can be forwarded to: a pod, or what stands for one."""

    @property
    def name(self) -> str:
        """What a fault calls it."""
        ...

    @property
    def address(self) -> str:
        """Where its processes listen."""
        ...

    @property
    def ports(self) -> Mapping[str, int]:
        """Its ports by name."""
        ...


def select_pods(service: Manifest, pods: Sequence[PodRunner]) -> list[PodRunner]:
    """Return the pods that may take new connections of the Service, in order of name."""
    selector = service["spec"].get("selector")
    if not selector:
        return []
    chosen = [pod for pod in pods if pod.ready and matches(pod.labels, selector)]
    return sorted(chosen, key=lambda pod: pod.name)


@dataclass(frozen=True, slots=True)
class _Backend:
    address: str
    port: int


class Forwarder:
    """Forwards the connections of one Service port, each to the next ready pod.

    While no pod is ready nothing listens: a client is refused before it has sent a byte, so it
    knows that nothing was done. Established connections stay with their pod.
    """

    def __init__(self, address: str, port: Manifest) -> None:
        self._address = address
        self._port = port
        self._backends: tuple[_Backend, ...] = ()
        self._turn = 0
        self._server: asyncio.Server | None = None
        self._lock = asyncio.Lock()

    def target(self, pod: Endpoint) -> int:
        """Return the pod's port that this Service port points to.

        Raises:
            LookupError: The pod has no port of that name.
        """
        return find_port(self._port.get("targetPort", self._port["port"]), pod.ports)

    async def update(self, pods: Sequence[Endpoint]) -> str:
        """Send new connections to these pods from now on; return what is wrong, if anything is."""
        faults = []
        backends = []
        for pod in pods:
            try:
                backends.append(_Backend(pod.address, self.target(pod)))
            except LookupError as error:
                faults.append(f"pod {pod.name}: {error}")
        self._backends = tuple(backends)
        async with self._lock:
            try:
                await self._listen()
            except OSError as error:
                faults.append(f"cannot listen on {self._address}:{self._port['port']}: {error}")
        return "; ".join(faults)

    async def close(self) -> None:
        """Stop listening; established connections go on."""
        self._backends = ()
        async with self._lock:
            await self._listen()

    async def _listen(self) -> None:
        if self._backends and self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: _Client(self._connect),
                self._address,
                int(self._port["port"]),
                reuse_address=True,
                backlog=_BACKLOG,
            )
        elif not self._backends and self._server is not None:
            self._server.close()
            self._server = None

    async def _connect(self, client: "_Client") -> "_Upstream | None":
        """Connect to the next backend that accepts; each is tried once."""
        loop = asyncio.get_running_loop()
        backends = self._backends
        self._turn += 1
        for offset in range(len(backends)):
            backend = backends[(self._turn + offset) % len(backends)]
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    _, upstream = await loop.create_connection(
                        lambda: _Upstream(client), backend.address, backend.port
                    )
                return upstream
        return None


class _Half(asyncio.Protocol):
    """One side of a forwarded connection: what it reads, the other side writes."""

    transport: asyncio.Transport
    other: "_Half | None" = None
    ended = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        self.ended = True
        if self.other is not None:
            self.other.transport.write_eof()
            if self.other.ended:
                self.transport.close()
                self.other.transport.close()
        return True  # the other direction may still have something to say

    def connection_lost(self, error: Exception | None) -> None:
        if self.other is None:
            return
        if error is None:
            self.other.transport.close()
        else:
            self.other.transport.abort()

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()


class _Upstream(_Half):
    def __init__(self, client: "_Client") -> None:
        self.other = client


class _Client(_Half):
    """The side a client connected to; little of it is read before there is a pod to read for.

    A pause in `connection_made` does not hold in Python 3.11.2, which Debian 12 has: reading
    begins all the same. So the first bytes pause it, and wait here.
    """

    def __init__(self, connect: Callable[["_Client"], Any]) -> None:
        self._connect = connect
        self._task: asyncio.Task[None] | None = None
        self._early = b""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._task = asyncio.get_running_loop().create_task(self._join())

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early += data
            self.transport.pause_reading()
        else:
            super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._task is not None and self.other is None:
            self._task.cancel()
        super().connection_lost(error)

    async def _join(self) -> None:
        self.other = await self._connect(self)
        if self.other is None:
            self.transport.abort()
            return
        self.other.transport.write(self._early)
        if self.ended:
            self.eof_received()
        self.transport.resume_reading()
