"""One of several processes that pass requests on; what it judges by comes over a link."""

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any, cast

from deployer.errors import StateError
from deployer.ports import Clock
from deployer.release.records import Backend, Routes
from deployer.routing.direct_loop import run_main
from deployer.routing.events import EventLog
from deployer.routing.fleet import Fleet
from deployer.routing.follower import ReadRoutes
from deployer.routing.health import Outcome, Rules
from deployer.routing.listener import Listener
from deployer.routing.local_answer import Page
from deployer.routing.messages import RequestHead, origin_form
from deployer.routing.reception import Reception
from deployer.routing.router import Router, RouterOptions
from deployer.routing.site import PREFIX
from deployer.routing.steering import Steering
from deployer.routing.traffic import SWEEP_SECONDS, Traffic
from deployer.routing.way import FindWay, Way
from deployer.routing.workers.led_fleet import LedFleet
from deployer.routing.workers.link import Link, Message, open_link
from deployer.routing.workers.tally import Tally

__all__ = ["run_worker"]


def run_worker(
    clock: Clock,
    options: RouterOptions,
    listeners: Sequence[socket.socket],
    end: socket.socket,
    *,
    at: int,
    deployments: int,
    control: int,
    access_log: bool,
) -> None:
    """Serve until told to stop, by the link or by SIGTERM; go on when the link breaks.

    Args:
        listeners: Those of all workers.
        at: Which of them is this worker's own.
        deployments: How many there are.
        control: The port of the process that judges; it has the pages.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that judges
    worker = _Worker(
        clock,
        options,
        listeners,
        end,
        at=at,
        deployments=deployments,
        control=control,
        log=access_log,
    )
    run_main(worker.serve())


class _Worker(Router):
    def __init__(
        self,
        clock: Clock,
        options: RouterOptions,
        listeners: Sequence[socket.socket],
        end: socket.socket,
        *,
        at: int,
        deployments: int,
        control: int,
        log: bool,
    ) -> None:
        self._told: list[Routes | None] = [None] * deployments
        self._listeners = listeners
        self._at = at
        self._absent = set[int]()
        self._adopted: dict[int, Listener] = {}
        self._begun = False
        self._end = end
        self._control_port = control
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._stop = asyncio.Event()
        super().__init__(
            *[self._make_reader(at) for at in range(deployments)],
            clock=clock,
            options=options,
            tell=lambda _line: None,  # the one that judges tells
            access_log=sys.stderr.buffer if log else None,
        )

    async def serve(self) -> None:
        """See `run_worker`."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        self._link: Link | None = await open_link(
            self._end, self._inbox.put_nowait, self._lose_control
        )
        await self.run(self._stop, ready=self._begin)

    async def start(self) -> None:
        """See `Router.start`."""
        await super().start()
        self._tallies = [Tally(steering.traffic) for steering in self.steerings]
        self._tasks = [
            asyncio.create_task(self._follow()),
            asyncio.create_task(self._report()),
            asyncio.create_task(self._control.traffic.sweep()),
        ]

    async def stop(self) -> None:
        """See `Router.stop`."""
        await super().stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tell_counts()
        if self._link is not None:
            self._link.close()

    def _begin(self) -> None:
        if self._link is not None:
            self._link.send({"ready": True})

    # ---- what a router does, and a worker does otherwise

    def _make_reader(self, at: int) -> ReadRoutes:
        def read() -> Routes:
            routes = self._told[at]
            if routes is None:
                raise StateError("no routes were told yet")
            return routes

        return read

    def _make_steering(self, read: ReadRoutes, number: int, **more: Any) -> Steering:
        steering = super()._make_steering(read, number, make_fleet=LedFleet, probing=False, **more)
        at = max(0, number - 1)
        steering.hall.buckets.shared = True
        _led(steering).tell = lambda key, outcome, reason: self._tell(at, key, outcome, reason)
        return steering

    async def _bind(self) -> list[socket.socket]:
        return [self._listeners[self._at].dup()]  # a copy: see `_adopt`

    async def _await_routes(self) -> None:
        if self._link is not None:
            self._link.send({"hello": True})
        while "begin" not in (message := await self._inbox.get()):
            await self._hear(message)
        self._begun = True
        self._stand_in()

    def _make_find_way(self) -> FindWay:
        self._control = _make_control(self.events, self._rng, self._control_port)
        inner = Reception(self.steerings, self._site.find_page).find_way

        def find_way(head: RequestHead, peer: bytes) -> Way | Page:
            for_control = self._link is not None and origin_form(head.target).startswith(PREFIX)
            return self._control if for_control else inner(head, peer)

        return find_way

    # ---- the link

    def _tell(self, at: int, key: str, outcome: str, reason: str) -> None:
        if self._link is not None:
            self._link.send({"at": at, "outcome": [key, outcome, reason]})

    async def _follow(self) -> None:
        while True:
            await self._hear(await self._inbox.get())

    async def _hear(self, message: Message) -> None:
        if "stop" in message:
            self._stop.set()
        elif "absent" in message:
            self._absent = {*message["absent"]}
            self._stand_in()
        elif "taken" in message:
            hall = self.steerings[message["at"]].hall
            hall.buckets.owe(message["taken"], hall.traffic.now())
        elif "at" in message:
            await self._take(message)

    def _stand_in(self) -> None:
        """Serve the listeners of workers that are not there, and only as long as they are not."""
        if not self._stop.is_set():
            for at in set(self._adopted) - self._absent:
                self._adopted.pop(at).close()
            self._adopt(self._absent)

    def _adopt(self, others: set[int]) -> None:
        # Copies: to close one must not close the listener, which is wanted again.
        if self._begun:
            for at in others - {self._at, *self._adopted}:
                self._adopted[at] = self._open([self._listeners[at].dup()])

    def _stop_listening(self) -> list[Listener]:
        """Leave the listeners to the others; the last to leave lets in who waits at any of them."""
        self._stop.set()
        if self._link is not None:
            self._link.send({"leaving": True})
        self._adopt({*range(len(self._listeners))})
        for copied in self._listeners:
            copied.close()
        for adopted in self._adopted.values():
            adopted.close()
        return [*super()._stop_listening(), *self._adopted.values()]

    async def _take(self, message: Message) -> None:
        at = int(message["at"])
        steering = self.steerings[at]
        if message["routes"] is not None:
            self._told[at] = Routes.model_validate(message["routes"])
            await steering.follower.read_once()
        for member in _led(steering).follow(message["members"]):
            steering.traffic.abandon_member(member)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._tell_counts()

    def _tell_counts(self) -> None:
        if self._link is None:
            return
        for at, (steering, tally) in enumerate(zip(self.steerings, self._tallies, strict=True)):
            fleet = _led(steering)
            served, fleet.served = dict(fleet.served), type(fleet.served)()
            self._link.send({"at": at, "served": served, "tally": tally.collect()})
            if taken := steering.hall.buckets.collect():
                self._link.send({"at": at, "taken": taken})

    def _lose_control(self) -> None:
        """Judge by itself from now on, beginning with the last that was told."""
        self._link = None
        self._inbox.put_nowait({"begin": True})
        self._inbox.put_nowait({"absent": [*range(len(self._listeners))]})  # nobody replaces them
        if self._stop.is_set():
            return
        sys.stderr.write(f"router: worker {os.getpid()} serves on by itself: its control is gone\n")
        for steering in self.steerings:
            _led(steering).tell = None
            steering.hall.buckets.shared = False
            steering.begin_probing()


def _led(steering: Steering) -> LedFleet:
    return cast("LedFleet", steering.fleet)


def _make_control(events: EventLog, rng: random.Random, port: int) -> Way:
    """Return the way to the process that has the pages; what goes there is not counted."""
    loop = asyncio.get_running_loop()
    fleet = Fleet(rules=Rules(), rng=rng, events=events, on_change=lambda _member: None)
    backend = Backend(target="control", release=1, url=f"http://127.0.0.1:{port}", weight=1)
    fleet.apply([backend], loop.time())
    fleet.take_outcome(fleet.members["control/1"], Outcome.PROBE_PASSED, loop.time(), "")
    return Way(Traffic(loop, fleet, rng), fleet)
