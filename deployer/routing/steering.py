"""Everything a router knows but its listeners: routes, probes, health, and what is under way."""

import asyncio
import random
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deployer.release.records import Routes, RouteSettings
from deployer.routing.door import Door, Hall
from deployer.routing.events import Events, NamedEvents, describe_shift
from deployer.routing.fleet import Fleet, Member
from deployer.routing.follower import Follower, ReadRoutes
from deployer.routing.health import Rules, State
from deployer.routing.placing import check_neighbours, place_backends
from deployer.routing.prober import Pace, Prober
from deployer.routing.routes_check import check_routes
from deployer.routing.traffic import Timeouts, Traffic

__all__ = ["Steering", "SteeringOptions"]

_SAMPLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SteeringOptions:
    """How requests are steered.

    Attributes:
        fast: Probe every second and judge sooner: a hanging backend is found within 3.5 s.
        snapshot: Where the last good routes are kept for a start without the state.
        probe_path: Instead of the path in the routes' settings.
        idempotent: Instead of what the routes' settings say.
        region: Where the router is, for requests that don't say where they come from.
    """

    fast: bool = False
    snapshot: Path | None = None
    probe_path: str | None = None
    idempotent: bool | None = None
    region: str = ""
    timeouts: Timeouts = field(default_factory=Timeouts)


class Steering:
    """Follows the routes and probes the backends, in the running event loop, once started.

    Args:
        read_routes: Reads the routes; called in a thread, once a second.
        log: Takes a record per request.
        number: Which of several deployments it is, from 1; 0 when it is alone.
        make_fleet: Makes the fleet.
        probing: Whether to probe from the start, or once `begin_probing` is called.
        tls: For https backends; the system's trust when left out.

    Attributes:
        neighbours: Those that the same router serves, itself among them.
    """

    def __init__(
        self,
        read_routes: ReadRoutes,
        *,
        events: Events,
        options: SteeringOptions,
        rng: random.Random,
        log: Callable[[bytes, float], None] | None = None,
        number: int = 0,
        make_fleet: Callable[..., Fleet] = Fleet,
        probing: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._probing = probing
        self._options = options
        self._number = number
        self.neighbours: Sequence[Steering] = ()
        events = NamedEvents(events, lambda: self.name or f"#{number}") if number else events
        self._settings = RouteSettings()
        self.fleet = make_fleet(
            rules=Rules.fast() if options.fast else Rules(),
            rng=rng,
            events=events,
            on_change=self._on_change,
            tls=tls,
        )
        loop = asyncio.get_running_loop()
        self.traffic = Traffic(loop, self.fleet, rng, timeouts=options.timeouts, log=log)
        self._prober = Prober(
            self.fleet,
            pace=Pace.fast() if options.fast else Pace(),
            rng=rng,
            path=lambda: options.probe_path or self._settings.health_path,
        )
        self.hall = Hall(self.traffic, rng, options.region)
        self.door = Door(self._settings, self.hall)
        self.follower = Follower(read_routes, self._apply, events=events, snapshot=self._snapshot())
        self.tasks: list[asyncio.Task[None]] = []

    @property
    def routes(self) -> Routes | None:
        """What it follows."""
        return self.follower.routes

    @property
    def name(self) -> str:
        """The deployment's; empty until its routes were read."""
        return self.routes.name if self.routes is not None else ""

    def start(self) -> None:
        """Begin to follow, to probe, and to look after deadlines."""
        loop = asyncio.get_running_loop()
        self.tasks = [
            loop.create_task(self.follower.follow()),
            loop.create_task(self.traffic.sweep()),
            loop.create_task(self._sample()),
        ]

    def begin_probing(self) -> None:
        """Probe whoever is there, and whoever joins."""
        self._probing = True
        for member in self.fleet.members.values():
            self._prober.watch(member)

    async def close(self) -> None:
        """Stop all of it and close every connection to a backend."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self._prober.close()
        await self.hall.shadow.close()
        self.fleet.close()

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(_SAMPLE_SECONDS)
            self.fleet.sample()

    async def _apply(self, routes: Routes) -> str:
        check_routes(routes)
        check_neighbours(routes, [s.routes for s in self.neighbours if s is not self])
        door = Door(routes.settings, self.hall)  # the last that may refuse them
        before = self.fleet.shares(self.traffic.now())
        self.fleet.by_load = routes.settings.policy == "latency"
        self.fleet.limit = routes.settings.max_in_flight
        backends = place_backends(routes.settings, routes.backends, self._options.region)
        joined, left = self.fleet.apply(backends, self.traffic.now())
        self.hall.shadow.follow(self.fleet)
        self._settings = routes.settings
        self.door = door
        override = self._options.idempotent
        self.traffic.idempotent = routes.settings.idempotent if override is None else override
        for member in left:
            self._prober.forget(member)
        for member in joined if self._probing else ():
            self._prober.watch(member)
        return describe_shift(before, self.fleet.shares(self.traffic.now()))

    def _snapshot(self) -> Path | None:
        """Return where the last good routes are kept, each deployment's in a file of its own."""
        file = self._options.snapshot
        more = self._number > 1
        return file.with_name(f"{file.name}.{self._number}") if file is not None and more else file

    def _on_change(self, member: Member) -> None:
        if member.health.state is State.DOWN and not member.health.up:
            self.traffic.abandon_member(member)
