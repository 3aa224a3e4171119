"""Several processes that listen at one address, and the one that judges for all of them.

The kernel deals connections out (SO_REUSEPORT, socket(7)). The listening sockets are made here, so
what waits in the queue of a worker that died is served by the one that takes its place.
"""

import asyncio
import contextlib
import multiprocessing
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.process import BaseProcess

from deployer.errors import SetupError
from deployer.ports import Clock
from deployer.routing.events import Kind
from deployer.routing.follower import ReadRoutes
from deployer.routing.listener import BACKLOG, Listener, bind_all
from deployer.routing.router import Router, RouterOptions, describe_url
from deployer.routing.way import FindWay
from deployer.routing.workers.lead import Lead
from deployer.routing.workers.link import Link, Message, open_link
from deployer.routing.workers.tally import Gauges
from deployer.routing.workers.worker import run_worker

__all__ = ["Crew"]

_PUSH_SECONDS = 0.05
_RESTART_SECONDS = 1.0
_START_SECONDS = 60.0
"""A process starts in one or two, on a busy machine in ten."""


class Crew:
    """A router whose requests are passed on by ``workers`` processes.

    They go on when this process is killed, each by its own judgement from then on; one of them that
    is killed is started again, and only what it had under way is lost.

    Args:
        sources: See `Router`.
        access_log: Whether the workers write a line per request to stderr.
    """

    def __init__(
        self,
        *sources: ReadRoutes,
        workers: int,
        clock: Clock,
        options: RouterOptions,
        tell: Callable[[str], None] | None = None,
        access_log: bool = False,
    ) -> None:
        self._options = options
        self._clock = clock
        self._access_log = access_log
        inner = replace(options, host="127.0.0.1", port=0)
        self._router = _Control(*sources, clock=clock, options=inner, tell=tell)
        self._gauges: list[Gauges] = []
        self._count = workers
        self._hands: list[_Hand] = []
        self._absent: list[int] = []

    @property
    def url(self) -> str:
        """Where the workers listen, once they were started."""
        if not self._hands:
            raise SetupError("the router is not listening")
        host, port = self._hands[0].listener.getsockname()[:2]
        return describe_url(host, port, secure=bool(self._options.tls))

    @property
    def pids(self) -> list[int]:
        """The workers' processes."""
        return [hand.pid for hand in self._hands]

    async def run(self, stop: asyncio.Event, *, ready: Callable[[], None] | None = None) -> None:
        """See `Router.run`.

        Raises:
            SetupError: The address can't be listened on, or a worker does not start.
        """
        await self._router.start()
        self._gauges = [Gauges(steering.traffic) for steering in self._router.steerings]
        try:
            await self._start()
            if ready is not None:
                ready()
            await self._lead(stop)
        finally:
            await self._stop()
            await self._router.stop()

    async def _start(self) -> None:
        listeners = _listen(self._options.host, self._options.port, self._count)
        self._hands = [_Hand(self, at, listener) for at, listener in enumerate(listeners)]
        await asyncio.gather(*[hand.start() for hand in self._hands])

    async def _lead(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            for hand in self._hands:
                await hand.look()
                hand.push()
            self._tell_absent()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PUSH_SECONDS):
                    await stop.wait()

    def _tell_absent(self) -> None:
        absent = [at for at, hand in enumerate(self._hands) if not hand.serving]
        if absent != self._absent:
            self._absent = absent
            for hand in self._hands:
                hand.send({"absent": absent})

    async def _stop(self) -> None:
        # The workers have copies, and the last of them lets in who still waits.
        for hand in self._hands:
            hand.listener.close()
        await asyncio.gather(*[hand.stop(self._options.drain_seconds) for hand in self._hands])

    def make_process(self, at: int, end: socket.socket) -> BaseProcess:
        """Return a process, not started yet, that serves by what comes over a link."""
        context = multiprocessing.get_context("spawn")
        options = replace(self._options, admin=None, token=None, event_log=None, snapshot=None)
        return context.Process(
            target=run_worker,
            args=(self._clock, options, [hand.listener for hand in self._hands], end),
            kwargs={
                "at": at,
                "deployments": len(self._router.steerings),
                "control": int(self._router.url.rpartition(":")[2]),
                "access_log": self._access_log,
            },
            daemon=True,
        )

    def make_lead(self) -> Lead:
        """Return what leads one worker from its start."""
        return Lead(self._router.steerings, self._gauges, share=self._count)

    def note(self, subject: str, change: str, *, cause: str = "") -> None:
        """Record an event."""
        self._router.events.add(Kind.STATE, subject, change, cause=cause, by="router")

    def tell_others(self, who: "_Hand", message: Message) -> None:
        """Pass on what one worker tells to the others."""
        for hand in self._hands:
            if hand is not who:
                hand.send(message)

    def push_all(self) -> None:
        """Tell all workers what has changed."""
        for hand in self._hands:
            hand.push()


class _Control(Router):
    """Follows, probes and judges; of what is asked it only answers what it can say itself."""

    def _make_find_way(self) -> FindWay:
        return lambda head, _peer: self._site.show(head)

    async def _bind(self) -> list[socket.socket]:
        return await bind_all("127.0.0.1", 0)

    def _open(self, sockets: Sequence[socket.socket]) -> Listener:
        # never TLS: the workers come over loopback
        return Listener(sockets, self._connect, tell=self._tell_full)


class _Hand:
    """The place of one worker: its listener stays, whoever fills it."""

    def __init__(self, crew: Crew, at: int, listener: socket.socket) -> None:
        self.listener = listener
        self._crew = crew
        self._at = at
        self._name = f"worker {at + 1}"
        self._ready = asyncio.Event()
        self._started_at = 0.0
        self._lead: Lead | None = None
        self._link: Link | None = None
        self._process: BaseProcess | None = None

    @property
    def pid(self) -> int:
        return (self._process.pid if self._process is not None else None) or 0

    @property
    def serving(self) -> bool:
        """Whether its listener is looked after."""
        alive = self._process is not None and self._process.is_alive()
        return alive and self._ready.is_set()

    def send(self, message: Message) -> None:
        """Send it a message."""
        if self._link is not None:
            self._link.send(message)

    async def start(self) -> None:
        """Start, and wait until it serves.

        Raises:
            SetupError: It does not.
        """
        await self._launch()
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._ready.wait()
        except TimeoutError as error:
            raise SetupError(f"{self._name} did not start in {_START_SECONDS:g} s") from error

    async def look(self) -> None:
        """Start it again when it is dead, but not again and again at once."""
        process, now = self._process, asyncio.get_running_loop().time()
        if process is None or process.is_alive() or now - self._started_at < _RESTART_SECONDS:
            return
        self._crew.note(self._name, "started again", cause=_describe_end(process))
        await self._launch()

    def push(self) -> None:
        """Tell it what has changed."""
        if self._link is not None and self._lead is not None:
            for message in self._lead.collect():
                self._link.send(message)

    async def stop(self, drain_seconds: float) -> None:
        """Let it finish what is under way, and end it."""
        if self._link is not None:
            self._link.send({"stop": True})
        if self._process is not None:
            await asyncio.to_thread(self._process.join, drain_seconds + 2.0)
            self._process.kill()
            await asyncio.to_thread(self._process.join, 2.0)

    async def _launch(self) -> None:
        self._ready.clear()
        self._started_at = asyncio.get_running_loop().time()
        self._lead = lead = self._crew.make_lead()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            self._process = self._crew.make_process(self._at, theirs)
            self._process.start()
        self._link = await open_link(ours, lambda message: self._hear(lead, message), lead.forget)

    def _hear(self, lead: Lead, message: Message) -> None:
        if "hello" in message and self._link is not None:
            self.push()
            self._link.send({"begin": True})
        elif "ready" in message:
            self._ready.set()
        elif "leaving" in message:
            self._ready.clear()  # the others look after its listener from now on
        elif "taken" in message:
            self._crew.tell_others(self, message)
        elif lead.take(message):
            self._crew.push_all()


def _listen(host: str, port: int, count: int) -> list[socket.socket]:
    """Return listening sockets of one address among which the kernel deals connections out.

    Raises:
        SetupError: It can't be listened on, or somebody else does.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family) as first:
            port = first.getsockname()[1]  # nobody else has it: without reuse, this would fail
        return [
            socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=True)
            for _ in range(count)
        ]
    except OSError as error:
        raise SetupError(
            f"{host}:{port} can't be listened on: {error.strerror}",
            hint="Choose another address with --listen.",
        ) from error


def _describe_end(process: BaseProcess) -> str:
    code = process.exitcode or 0
    return f"killed by signal {-code}" if code < 0 else f"exited with {code}"
