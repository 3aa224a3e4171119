"""Following the routes: newer ones are taken, and the last known are kept through anything else."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from deployer.errors import DeployerError
from deployer.release.records import Routes
from deployer.routing.events import Events, Kind
from deployer.routing.last_known import load_routes, save_routes

__all__ = ["POLL_SECONDS", "Follower", "ReadRoutes"]

POLL_SECONDS = 1.0

ReadRoutes = Callable[[], Routes]
"""Reads the routes as they are recorded; may block, may raise `DeployerError`."""

T = TypeVar("T")


class Follower:
    """Reads again and again, in a thread: a store that hangs never holds up a request.

    Only a larger epoch is taken, so a stale replica can't bring an old release back; an empty list
    is refused unless it is the first, as it is far more likely a fault than a wish.

    Args:
        apply: Called with routes to follow from now on; returns where new requests go because of
            it, and may refuse them with `DeployerError`.
        snapshot: A file that keeps the last good routes; read once, when the first read fails.

    Attributes:
        error: Why the last read brought nothing to follow; empty when it went well.
        tried: Set once a read has ended, well or not.
        confirmed: When the routes were last read or found unchanged, in the loop's time.
    """

    def __init__(
        self,
        read: ReadRoutes,
        apply: Callable[[Routes], Awaitable[str]],
        *,
        events: Events,
        snapshot: Path | None = None,
    ) -> None:
        self.routes: Routes | None = None
        self.error = ""
        self.tried = asyncio.Event()
        self.confirmed: float | None = None
        self.from_snapshot = False
        self._read = read
        self._apply = apply
        self._events = events
        self._snapshot = snapshot

    async def follow(self) -> None:
        """Read every second, for ever."""
        while True:
            await self.read_once()
            self.tried.set()
            await asyncio.sleep(POLL_SECONDS)

    async def read_once(self) -> None:
        """Read, and follow what was read if it is newer."""
        try:
            routes = await _call_in_thread(self._read)
            await self._take(routes)
        except DeployerError as error:
            self._complain(error.message)
            await self._fall_back()
        else:
            self._recover()

    async def _take(self, routes: Routes) -> None:
        known = self.routes
        if known is not None and routes.epoch < known.epoch:
            raise DeployerError(f"epoch {routes.epoch} was read, {known.epoch} is followed")
        if known is not None and routes.epoch == known.epoch:
            return
        if known is not None and not routes.backends:
            raise DeployerError(f"epoch {routes.epoch} has no backends; the last ones are kept")
        await self._follow(routes, cause="were read")
        self._save(routes)

    async def _follow(self, routes: Routes, *, cause: str) -> None:
        effect = await self._apply(routes)
        self.routes = routes
        count = len(routes.backends)
        change = f"epoch {routes.epoch}, {count} backend{'' if count == 1 else 's'}"
        self._note(change, cause=cause, effect=effect)

    def _recover(self) -> None:
        self.confirmed = asyncio.get_running_loop().time()
        self.from_snapshot = False
        if self.error:
            self._note("can be read again")
            self.error = ""

    def _complain(self, message: str) -> None:
        if message != self.error:
            self._note("not followed", cause=message, effect="the last known ones are kept")
        self.error = message

    async def _fall_back(self) -> None:
        if self._snapshot is None or self.routes is not None or not self._snapshot.exists():
            return
        try:
            routes = load_routes(self._snapshot)
            await self._follow(routes, cause=f"from the snapshot {self._snapshot}")
        except DeployerError as error:
            self._note("the snapshot is of no use", cause=error.message)
            return
        self.from_snapshot = True

    def _save(self, routes: Routes) -> None:
        if self._snapshot is None:
            return
        try:
            save_routes(self._snapshot, routes)
        except DeployerError as error:
            self._note("the snapshot was not written", cause=error.message)

    def _note(self, change: str, *, cause: str = "", effect: str = "") -> None:
        self._events.add(Kind.ROUTES, "routes", change, cause=cause, effect=effect, by="state")


async def _call_in_thread(call: Callable[[], T]) -> T:
    """Return ``call()`` from a daemon thread of its own: one that hangs never holds up the exit."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - carried over to who awaits, not handled
            _post(loop, _fail, future, error)
        else:
            _post(loop, _resolve, future, result)

    threading.Thread(target=run, name="routes", daemon=True).start()
    return await future


def _post(loop: asyncio.AbstractEventLoop, set_value: Callable[..., None], *args: object) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(set_value, *args)


def _resolve(future: "asyncio.Future[T]", result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[T]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
