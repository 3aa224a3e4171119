"""The router where an engine passes the requests on: it follows the routes, tells, and watches."""

import asyncio
import contextlib
import fcntl
import secrets
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from deployer.errors import DeployerError, SetupError, StateError
from deployer.ports import Clock
from deployer.release.records import Routes
from deployer.routing.capabilities import Engine, check_orders, find_differences
from deployer.routing.conduct import make_conduct
from deployer.routing.endpoints import Resolver
from deployer.routing.engines.control import ControlPages
from deployer.routing.engines.pages import Reading, describe_sight, share_out
from deployer.routing.events import EventLog, Kind, describe_shift
from deployer.routing.follower import Follower, ReadRoutes
from deployer.routing.health import State
from deployer.routing.history import History
from deployer.routing.pages import describe_events, describe_readiness, list_recent
from deployer.routing.placing import flatten_shares, place_backends
from deployer.routing.plane import DataPlane, Orders, Sight
from deployer.routing.router import RouterOptions
from deployer.routing.status_page import load_status_page
from deployer.values import Json

__all__ = ["EngineRouter"]

_WATCH_SECONDS = 0.5
_RECONCILE_SECONDS = 5.0
_SAMPLE_SECONDS = 1.0
_PATIENCE_SECONDS = 0.25
"""How long a page waits for the engine; then it shows what was read last."""

T = TypeVar("T")


class EngineRouter:
    """One engine and the process that steers it.

    The engine outlives this process: only `run` ending in order stops it. A router that is started
    again in the same folder takes it over as it runs.

    Args:
        folder: The engine's, prepared.
        clock: Says when something happened.
        tell: Told what changes, one line each; stderr when left out.
    """

    def __init__(
        self,
        read_routes: ReadRoutes,
        plane: DataPlane,
        *,
        folder: Path,
        clock: Clock,
        options: RouterOptions | None = None,
        resolver: Resolver | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._plane = plane
        self._folder = folder
        self._options = options or RouterOptions()
        self._resolver = resolver or Resolver()
        self._tell = tell or _tell_stderr
        self._events = EventLog(
            clock, boot=secrets.token_hex(8), tell=self._tell, file=self._options.event_log
        )
        self._follower = Follower(
            read_routes, self._apply, events=self._events, snapshot=self._options.snapshot
        )
        self._pages = ControlPages(folder / "control.sock", self._page)
        self._orders: Orders | None = None
        self._routes: Routes | None = None
        self._refused: StateError | None = None
        self._started = False
        self._states: dict[str, State] = {}
        self._shares: dict[str, float] = {}
        self._histories: dict[str, History] = {}
        self._differences: list[str] = []
        self._trouble = ""
        self._seen: Reading | None = None
        self._looking: asyncio.Task[Reading] | None = None
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine")

    @property
    def url(self) -> str:
        """Where the engine listens."""
        return self._plane.url

    async def run(self, stop: asyncio.Event, *, ready: Callable[[], None] | None = None) -> None:
        """Serve until ``stop`` is set, then let requests under way finish, and end the engine.

        Raises:
            SetupError: It can't be started, or another process steers it.
            StateError: The first routes ask for what the engine can't do.
        """
        with _hold(self._folder):
            await self._pages.start()
            tasks: list[asyncio.Task[None]] = []
            try:
                await self._start()
                if ready is not None:
                    ready()
                tasks = [asyncio.create_task(self._follower.follow())]
                tasks.append(asyncio.create_task(self._watch()))
                await _until(stop, tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                if self._started and stop.is_set():
                    await self._call(partial(self._plane.stop, self._options.drain_seconds))
                await self._pages.stop()
                self._thread.shutdown(wait=False, cancel_futures=True)
                self._events.flush()

    async def _start(self) -> None:
        await self._follower.read_once()
        if self._refused is not None:
            raise self._refused
        attached = await self._call(partial(self._plane.start, self._orders))
        self._started = True
        if attached:
            self._tell(f"{self._plane.name}: taken over as it runs")

    async def _call(self, call: Callable[[], T]) -> T:
        """Return what the engine's driver returns: one call at a time, in a thread of their own.

        An engine that hangs holds up whoever waits for it, and nobody else.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def _apply(self, routes: Routes) -> str:
        async with self._turn:
            return await self._follow(routes)

    async def _follow(self, routes: Routes) -> str:
        orders = await self._call(partial(self._make_orders, routes))
        engine = Engine(self._plane.name)
        try:
            check_orders(engine, orders)
        except StateError as error:
            self._refused = error
            raise
        self._say_differences(find_differences(engine, orders))
        if self._started:
            await self._call(partial(self._plane.apply, orders))
        self._orders, self._routes = orders, routes
        return ""  # the engine moves requests as soon as it sees fit; `_announce` tells

    def _make_orders(self, routes: Routes) -> Orders:
        options = self._options
        conduct = make_conduct(
            routes.settings,
            fast=options.fast,
            idempotent=options.idempotent,
            probe_path=options.probe_path,
            timeouts=options.timeouts,
        )
        backends = place_backends(routes.settings, routes.backends, options.region)
        return Orders(conduct, self._resolver.make_endpoints(flatten_shares(backends)))

    def _say_differences(self, differences: list[str]) -> None:
        for line in differences:
            if line not in self._differences:
                self._tell(f"{self._plane.name}: {line}")
        self._differences = differences

    # ---- watching

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        reconciled = sampled = loop.time()
        while True:
            try:
                sight = (await self._look()).sight
                self._announce(sight)
                if loop.time() - sampled >= _SAMPLE_SECONDS:
                    sampled = loop.time()
                    self._sample(sight)
                if loop.time() - reconciled >= _RECONCILE_SECONDS:
                    reconciled = loop.time()
                    await self._reconcile()
                self._recover()
            except DeployerError as error:
                self._complain(error.message)
                reconciled = -_RECONCILE_SECONDS
                with contextlib.suppress(DeployerError):
                    await self._reconcile()
            self._events.flush()
            await asyncio.sleep(_WATCH_SECONDS)

    def _sample(self, sight: Sight) -> None:
        """Take in the counters of those that are there; see `History`."""
        known = self._histories
        self._histories = {seen.key: known.get(seen.key) or History() for seen in sight.backends}
        for seen in sight.backends:
            self._histories[seen.key].sample(seen.requests, seen.failures)

    async def _look(self) -> Reading:
        """Return a new reading; who asks while one is made gets that one."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._read())
            self._looking.add_done_callback(_hear)
        return await asyncio.shield(self._looking)

    async def _read(self) -> Reading:
        sight = await self._call(self._plane.look)
        self._seen = Reading(sight, asyncio.get_running_loop().time())
        return self._seen

    async def _reconcile(self) -> None:
        """Follow DNS, then put right what differs."""
        async with self._turn:
            if self._routes is not None:
                orders = await self._call(partial(self._make_orders, self._routes))
                if orders != self._orders:
                    await self._call(partial(self._plane.apply, orders))
                    self._orders = orders
                    self._tell(f"{self._plane.name}: an address has changed")
            for line in await self._call(self._plane.reconcile):
                self._tell(f"{self._plane.name}: put right: {line}")

    def _announce(self, sight: Sight) -> None:
        shares = share_out(self._orders or Orders(), sight)
        effect, self._shares = describe_shift(self._shares, shares), shares
        for seen in sight.backends:
            before = self._states.get(seen.key, State.UNKNOWN)
            if seen.state is not before:
                self._events.add(
                    Kind.STATE,
                    seen.key,
                    f"{before} -> {seen.state}",
                    cause=seen.reason,
                    effect=effect,
                    by=str(seen.source),
                )
        self._states = {seen.key: seen.state for seen in sight.backends}

    def _complain(self, message: str) -> None:
        if message != self._trouble:
            self._tell(f"{self._plane.name}: {message}")
        self._trouble = message

    def _recover(self) -> None:
        if self._trouble:
            self._tell(f"{self._plane.name}: answers again")
        self._trouble = ""

    # ---- pages

    async def _page(self, path: str) -> tuple[int, Json]:
        page, _, query = path.partition("?")
        match page:
            case "/-/":
                return 200, load_status_page()
            case "/-/events":
                return describe_events(self._events, query.removeprefix("after="))
            case "/-/ready":
                return describe_readiness(self._follower)
            case "/-/status":
                return await self._status()
            case _:
                return 404, {"error": "no such page", "pages": list(_PAGES)}

    async def _status(self) -> tuple[int, Json]:
        trouble = ""
        try:
            await asyncio.wait_for(self._look(), _PATIENCE_SECONDS)
        except TimeoutError:
            trouble = self._trouble or f"{self._plane.name} does not answer"
        except StateError as error:
            trouble = error.message
        if self._seen is None:
            return 503, {"error": trouble}
        document = describe_sight(
            self._follower,
            self._orders or Orders(),
            self._seen,
            self._histories,
            engine=self._plane.name,
            now=asyncio.get_running_loop().time(),
            trouble=trouble,
        )
        return 200, {**document, "events": list_recent(self._events)}


_PAGES = ("/-/", "/-/health", "/-/ready", "/-/status", "/-/events", "/-/metrics")


@contextlib.contextmanager
def _hold(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the lock goes with the process, however it ends."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SetupError(
                f"another process steers the engine in {folder}",
                hint="Stop it, or choose another folder with --run-dir.",
            ) from error
        yield


async def _until(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in done:
        task.result()


def _hear(task: asyncio.Task[Reading]) -> None:
    """Take a failure in that nobody may be waiting for any more; the next look fails, too."""
    if not task.cancelled():
        task.exception()


def _tell_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
