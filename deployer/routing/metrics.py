"""What the router counts, in the text format that Prometheus reads.

Names and units follow Prometheus' conventions: a prefix, base units, ``_total`` for what only
grows. A backend's series carry its target and its release, so a release's end is a series' end.
What the process itself uses comes with prometheus-client.
"""

from collections.abc import Iterable, Iterator
from functools import cache

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from deployer import __version__
from deployer.routing.door_counts import DoorCounts, Turned
from deployer.routing.fleet import Member
from deployer.routing.follower import Follower
from deployer.routing.health import State
from deployer.routing.histogram import Histogram
from deployer.routing.messages import Document
from deployer.routing.traffic import Traffic

__all__ = ["render_metrics"]

_PREFIX = "deployer_router_"
_BACKEND = ("target", "release")


def render_metrics(follower: Follower, traffic: Traffic, now: float) -> Document:
    """Return everything as it is now."""
    registry = CollectorRegistry(auto_describe=False)
    metrics = [
        *_of_router(traffic),
        *_of_now(follower, traffic, now),
        *_of_backends(traffic, now),
        _turned_away(traffic.door),
        _copies(traffic.door, list(traffic.fleet.members.values())),
    ]
    registry.register(_Snapshot(metrics))
    ProcessCollector(registry=registry)
    return Document(generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4)


class _Snapshot(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _of_router(traffic: Traffic) -> Iterator[Metric]:
    counters = traffic.counters
    for name, text, value in (
        ("requests", "Requests taken in.", counters.requests),
        ("retries", "Attempts after the first.", counters.retries),
        ("refused", "Requests refused as malformed or too large.", counters.refused),
        ("unserved", "Requests answered without a backend's answer.", counters.unserved),
        ("midstream_aborts", "Responses cut short after their first byte.", counters.cut_short),
        ("abandoned", "Requests whose client left.", counters.abandoned),
        ("panics", "Attempts made though nothing was usable.", counters.panics),
    ):
        yield CounterMetricFamily(_PREFIX + name, text, value)
    answers = CounterMetricFamily(
        _PREFIX + "answers", "Answers as clients got them; 499: it had left.", labels=("code",)
    )
    for status, count in sorted(traffic.answers.items()):
        answers.add_metric([str(status)], count)
    yield answers
    durations = _histogram("request_duration_seconds", "From a request to its answer's end.", ())
    _fill(durations, [], traffic.durations)
    yield durations


def _of_now(follower: Follower, traffic: Traffic, now: float) -> Iterator[Metric]:
    fleet = traffic.fleet
    for name, text, number in (
        ("requests_under_way", "Requests taken in and not answered yet.", _under_way(traffic)),
        ("queue_length", "Requests that wait for a backend.", traffic.queued),
        ("retry_budget", "Retries that would be paid for now.", traffic.budget.count_left(now)),
        ("panic", "Whether nothing is usable.", bool(fleet.members) and not fleet.has_usable(now)),
        ("routes_epoch", "Epoch of the routes that are followed.", _epoch(follower)),
        ("routes_age_seconds", "Since the routes were last confirmed.", _age(follower, now)),
    ):
        yield GaugeMetricFamily(_PREFIX + name, text, float(number))
    build = GaugeMetricFamily(_PREFIX + "build_info", "Always 1.", labels=("version",))
    build.add_metric([_version()], 1)
    yield build


def _under_way(traffic: Traffic) -> int:
    return len(traffic.exchanges) + traffic.elsewhere


@cache
def _version() -> str:
    return __version__


def _epoch(follower: Follower) -> float:
    return float(follower.routes.epoch) if follower.routes is not None else 0.0


def _age(follower: Follower, now: float) -> float:
    """Return the age; not a number until there are routes: an unknown age is not a small one."""
    return float("nan") if follower.confirmed is None else now - follower.confirmed


def _of_backends(traffic: Traffic, now: float) -> Iterator[Metric]:
    fleet = traffic.fleet
    members = list(fleet.members.values())
    shares = fleet.shares(now)
    yield _statuses(members)
    yield _counter("backend_attempts", "Attempts at a backend.", {m: m.requests for m in members})
    yield _counter("backend_failures", "Attempts that failed.", {m: m.failures for m in members})
    yield _counter("backend_retries", "Attempts after the first.", {m: m.retries for m in members})
    yield _counter("backend_midstream_aborts", "Cut short.", {m: m.cut_short for m in members})
    yield _counter("ejections", "Times a backend was ejected.", {m: m.ejections for m in members})
    yield _states(members)
    yield _gauge("backend_up", "Whether it is in use.", {m: _is_up(m) for m in members})
    yield _gauge("backend_weight", "Its weight.", {m: m.weight for m in members})
    yield _gauge("backend_share", "Of new requests.", {m: shares[m.key] for m in members})
    yield _gauge("backend_in_flight", "Under way there.", {m: m.load.in_flight for m in members})
    first_byte = _histogram("first_byte_seconds", "From a request's end to an answer.", _BACKEND)
    for member in members:
        _fill(first_byte, _labels(member), member.durations)
    yield first_byte


def _turned_away(door: DoorCounts) -> Metric:
    family = CounterMetricFamily(
        _PREFIX + "turned_away", "Requests turned away at the door.", labels=("reason",)
    )
    turned = door.list_turned()
    for why in Turned:
        family.add_metric([why.name.lower()], turned.get(why, 0))
    return family


def _copies(door: DoorCounts, members: list[Member]) -> Metric:
    family = CounterMetricFamily(
        _PREFIX + "shadow_copies", "What became of copies.", labels=(*_BACKEND, "fate")
    )
    copies = door.list_copies()
    for member in [m for m in members if m.key in copies]:
        for fate, count in copies[member.key].items():
            family.add_metric([*_labels(member), fate], count)
    return family


def _counter(name: str, text: str, values: dict[Member, int]) -> Metric:
    family = CounterMetricFamily(_PREFIX + name, text, labels=_BACKEND)
    for member, value in values.items():
        family.add_metric(_labels(member), value)
    return family


def _gauge(name: str, text: str, values: dict[Member, float]) -> Metric:
    family = GaugeMetricFamily(_PREFIX + name, text, labels=_BACKEND)
    for member, value in values.items():
        family.add_metric(_labels(member), value)
    return family


def _statuses(members: list[Member]) -> Metric:
    family = CounterMetricFamily(
        _PREFIX + "responses", "Responses of a backend by status.", labels=(*_BACKEND, "code")
    )
    for member in members:
        for status, count in sorted(member.statuses.items()):
            family.add_metric([*_labels(member), str(status)], count)
    return family


def _states(members: list[Member]) -> Metric:
    family = GaugeMetricFamily(
        _PREFIX + "backend_state", "1 for the state it is in.", labels=(*_BACKEND, "state")
    )
    for member in members:
        for state in State:
            family.add_metric([*_labels(member), state], float(member.health.state is state))
    return family


def _histogram(name: str, text: str, labels: tuple[str, ...]) -> HistogramMetricFamily:
    return HistogramMetricFamily(_PREFIX + name, text, labels=labels)


def _fill(family: HistogramMetricFamily, labels: list[str], seen: Histogram) -> None:
    family.add_metric(labels, seen.cumulate(), seen.total)


def _labels(member: Member) -> list[str]:
    return [member.backend.target, str(member.backend.release)]


def _is_up(member: Member) -> int:
    return int(member.health.state in (State.HEALTHY, State.DEGRADED))
