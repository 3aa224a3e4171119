"""Active probes: one task per backend, off the request path, on connections of their own."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from deployer.routing.fleet import Fleet, Member
from deployer.routing.health import Health, Outcome, State
from deployer.routing.messages import ResponseHead
from deployer.routing.pool import describe_connect_error, outcome_of_connect
from deployer.routing.upstream import UpstreamConnection

__all__ = ["Pace", "Prober", "next_wait_seconds"]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between the starts of two probes, and how long one may take.

    Attributes:
        changing: While a verdict is being reached, so that it is reached soon.
        jitter: The share by which each wait differs, so that routers don't probe in step.
    """

    steady: float = 5.0
    changing: float = 1.0
    down: float = 2.0
    timeout: float = 2.0
    jitter: float = 0.1

    @classmethod
    def fast(cls) -> "Pace":
        """Return the pace that finds a hanging backend within 3.5 s (two probes)."""
        return cls(steady=1.0, changing=1.0, down=1.0, timeout=1.0)


def next_wait_seconds(health: Health, pace: Pace, rng: random.Random) -> float:
    """Return how long after the start of the last probe the next one begins."""
    falling = health.up and health.probes_failed > 0
    if falling or health.probes_passed or health.state is State.UNKNOWN:
        seconds = pace.changing
    else:
        seconds = pace.steady if health.up else pace.down
    return seconds * (1.0 + rng.uniform(-pace.jitter, pace.jitter))


class Prober:
    """Probes every member it was told to watch, until it is told to forget it."""

    def __init__(
        self, fleet: Fleet, *, pace: Pace, rng: random.Random, path: Callable[[], str]
    ) -> None:
        self._fleet = fleet
        self._pace = pace
        self._rng = rng
        self._path = path
        self._tasks: dict[Member, asyncio.Task[None]] = {}

    def watch(self, member: Member) -> None:
        """Begin to probe a member: the first time at once, or nearly."""
        self._tasks[member] = asyncio.get_running_loop().create_task(self._watch(member))

    def forget(self, member: Member) -> None:
        """Stop probing a member."""
        task = self._tasks.pop(member, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Stop all of it."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, member: Member) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._rng.uniform(0.0, 0.02))
        while True:
            began = loop.time()
            reason = await self._probe(member)
            if reason is not None:
                outcome = Outcome.PROBE_FAILED if reason else Outcome.PROBE_PASSED
                self._fleet.take_outcome(member, outcome, loop.time(), reason)
            wait = next_wait_seconds(member.health, self._pace, self._rng)
            await asyncio.sleep(max(0.0, began + wait - loop.time()))

    async def _probe(self, member: Member) -> str | None:
        """Return why the probe failed, nothing when it passed, None when it could not be made."""
        timeout = self._pace.timeout
        answer = _Answer(asyncio.get_running_loop().create_future())
        connection: UpstreamConnection | None = None
        try:
            async with asyncio.timeout(timeout):
                connection = await member.pool.connect(timeout)
                asked = _probe_request(connection, self._path())
                connection.begin(answer, asked, bodiless=False)
                return await answer.reason
        except TimeoutError:
            return f"no answer in {timeout:g} s"
        except OSError as error:
            if outcome_of_connect(error) is Outcome.ABANDONED:
                return None
            return describe_connect_error(error)
        finally:
            if connection is not None:
                connection.abort()


class _Answer:
    """The sink of a probe: only the status counts, and any 2xx will do."""

    def __init__(self, reason: "asyncio.Future[str]") -> None:
        self.reason = reason

    def on_response(
        self, head: ResponseHead | None, chunks: list[bytes], *, complete: bool
    ) -> None:
        """See `Sink.on_response`."""
        del chunks, complete
        if head is not None:
            good = HTTPStatus.OK <= head.status < HTTPStatus.MULTIPLE_CHOICES
            self._resolve("" if good else f"answered {head.status}")

    def on_lost(self, reason: str) -> None:
        """See `Sink.on_lost`."""
        self._resolve(reason)

    def on_writable(self, *, writable: bool) -> None:
        """See `Sink.on_writable`; a probe fits in any buffer."""

    def _resolve(self, reason: str) -> None:
        if not self.reason.done():
            self.reason.set_result(reason)


def _probe_request(connection: UpstreamConnection, path: str) -> bytes:
    address = connection.address
    return (
        b"GET %b%b HTTP/1.1\r\nHost: %b\r\nUser-Agent: deployer-router\r\n"
        b"Accept: */*\r\nConnection: close\r\n\r\n"
        % (address.prefix, path.encode("ascii", "replace"), address.authority)
    )
