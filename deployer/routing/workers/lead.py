"""What one worker was told, and what is to be told next; and what it tells, taken in."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from deployer.release.records import Routes
from deployer.routing.fleet import Fleet
from deployer.routing.health import Health, Outcome
from deployer.routing.steering import Steering
from deployer.routing.workers.link import Message
from deployer.routing.workers.tally import Gauges, add_tally
from deployer.routing.workers.told_health import describe_health

__all__ = ["Lead"]


class Lead:
    """One worker's, from its start to its end.

    Args:
        gauges: Of each deployment, what all workers have under way.
        share: Among how many workers the limits are shared out.
    """

    def __init__(
        self, steerings: Sequence[Steering], gauges: Sequence[Gauges], *, share: int
    ) -> None:
        self._steerings = steerings
        self._share = share
        self._epochs: list[int | None] = [None] * len(steerings)
        self._told: list[dict[str, tuple[Health, int | None]]] = [{} for _ in steerings]
        self._gauges = gauges

    def collect(self) -> Iterator[Message]:
        """Return what is new to the worker, a message for each deployment that has news."""
        for at, steering in enumerate(self._steerings):
            routes = self._news(at, steering.routes)
            members = self._changed(at, steering.fleet)
            if routes is not None or members:
                yield {"at": at, "routes": routes, "members": members}

    def take(self, message: Message) -> bool:
        """Take in what the worker tells; True when all workers should hear of it at once."""
        at = int(message["at"])
        steering = self._steerings[at]
        if "outcome" in message:
            return _judge(steering, *message["outcome"])
        for key, count in message["served"].items():
            member = steering.fleet.members.get(key)
            if member is not None:
                member.rate.add(steering.traffic.now(), failed=False, count=count)
        add_tally(steering.traffic, message["tally"])
        self._gauges[at].show(self, message["tally"])
        return False

    def forget(self) -> None:
        """Take in that the worker is gone, and with it what it had under way."""
        for gauges in self._gauges:
            gauges.show(self, None)

    def _news(self, at: int, routes: Routes | None) -> dict[str, Any] | None:
        if routes is None or routes.epoch == self._epochs[at]:
            return None
        self._epochs[at] = routes.epoch
        self._told[at] = {}  # new routes take orders back, so all is told again
        limit = math.ceil(routes.settings.max_in_flight / self._share)
        settings = routes.settings.model_copy(update={"max_in_flight": limit})
        return routes.model_copy(update={"settings": settings}).model_dump(mode="json")

    def _changed(self, at: int, fleet: Fleet) -> dict[str, Any]:
        told = self._told[at]
        changed = {}
        for key, member in fleet.members.items():
            now = (member.health, member.ordered)
            if told.get(key) != now:
                told[key] = now
                changed[key] = {"health": describe_health(member.health), "ordered": member.ordered}
        return changed


def _judge(steering: Steering, key: str, outcome: str, reason: str) -> bool:
    member = steering.fleet.members.get(key)
    if member is None:
        return False
    if outcome == "trial":
        steering.fleet.begin_trial(member)
    else:
        steering.fleet.take_outcome(member, Outcome(outcome), steering.traffic.now(), reason)
    return True
