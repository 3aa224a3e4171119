"""What a worker has counted, told in differences, and added up by the one that shows it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from deployer.routing.fleet import Member
from deployer.routing.histogram import Histogram
from deployer.routing.traffic import Traffic

__all__ = ["Gauges", "Tally", "add_tally"]

_MOST_LATENCIES = 100
"""Told at once, of each backend: enough for a quantile over the last minute."""


class Tally:
    """Remembers what of a worker's counters was told already."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._told: dict[str, float] = {}
        self._told_at = traffic.now()

    def collect(self) -> dict[str, Any]:
        """Return what has changed since the last call, and what is under way."""
        traffic = self._traffic
        members = [*traffic.fleet.members.values(), *traffic.fleet.draining]
        counted = _count(traffic)
        changed = {
            name: value - self._told.get(name, 0.0)
            for name, value in counted.items()
            if value != self._told.get(name, 0.0)
        }
        self._told = counted
        since, self._told_at = self._told_at, traffic.now()
        return {
            "changed": changed,
            "under_way": len(traffic.exchanges),
            "in_flight": {member.key: member.load.in_flight for member in members},
            "latencies": {
                member.key: member.first_byte.list_since(since)[-_MOST_LATENCIES:]
                for member in traffic.fleet.members.values()
            },
        }


class Gauges:
    """What is under way in all workers together."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._told: dict[object, Mapping[str, Any]] = {}

    def show(self, worker: object, told: Mapping[str, Any] | None) -> None:
        """Replace one worker's part by what it tells now; None takes its part away."""
        self._told.pop(worker, None)
        if told is not None:
            self._told[worker] = told
        self._traffic.elsewhere = sum(told["under_way"] for told in self._told.values())
        fleet = self._traffic.fleet
        for member in {m.key: m for m in [*fleet.draining, *fleet.members.values()]}.values():
            member.load.in_flight = sum(
                told["in_flight"].get(member.key, 0) for told in self._told.values()
            )


def add_tally(traffic: Traffic, told: Mapping[str, Any]) -> None:
    """Add what a worker told to the counters that are shown; a backend that left is passed over."""
    for name, difference in told["changed"].items():
        scope, _, rest = name.partition("|")
        member = traffic.fleet.members.get(scope)
        if member is not None:
            _add_to_member(member, rest, difference)
        elif not scope:
            _add_to_traffic(traffic, rest, difference)
    for key, latencies in told["latencies"].items():
        if key in traffic.fleet.members:
            for at, seconds in latencies:
                traffic.fleet.members[key].first_byte.add(at, seconds)


def _count(traffic: Traffic) -> dict[str, float]:
    counted = {f"|{name}": float(value) for name, value in asdict(traffic.counters).items()}
    counted |= {f"|answers.{status}": float(n) for status, n in traffic.answers.items()}
    counted |= _count_durations("|durations", traffic.durations)
    counted |= {f"|door.{name}": float(n) for name, n in traffic.door.counts.items()}
    for key, member in traffic.fleet.members.items():
        counted[f"{key}|requests"] = float(member.requests)
        counted[f"{key}|retries"] = float(member.retries)
        counted[f"{key}|cut_short"] = float(member.cut_short)
        counted |= {f"{key}|statuses.{s}": float(n) for s, n in member.statuses.items()}
        counted |= _count_durations(f"{key}|durations", member.durations)
    return counted


def _count_durations(name: str, histogram: Histogram) -> dict[str, float]:
    counts = {f"{name}.{at}": float(n) for at, n in enumerate(histogram.counts)}
    return {**counts, f"{name}.total": histogram.total}


def _add_to_traffic(traffic: Traffic, name: str, difference: float) -> None:
    kind, _, index = name.partition(".")
    if kind == "answers":
        traffic.answers[int(index)] += int(difference)
    elif kind == "durations":
        _add_durations(traffic.durations, index, difference)
    elif kind == "door":
        traffic.door.counts[index] += int(difference)
    else:
        setattr(traffic.counters, kind, getattr(traffic.counters, kind) + int(difference))


def _add_to_member(member: Member, name: str, difference: float) -> None:
    kind, _, index = name.partition(".")
    if kind == "statuses":
        member.statuses[int(index)] += int(difference)
    elif kind == "durations":
        _add_durations(member.durations, index, difference)
    else:
        setattr(member, kind, getattr(member, kind) + int(difference))


def _add_durations(histogram: Histogram, index: str, difference: float) -> None:
    if index == "total":
        histogram.total += difference
    else:
        histogram.counts[int(index)] += int(difference)
