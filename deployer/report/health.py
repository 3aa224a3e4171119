"""Is it serving: one verdict per target from what was seen, and what was not (G8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from deployer.ports import Verdict
from deployer.release.records import Bundle, Head
from deployer.snapshot.observe import Observation

__all__ = ["HealthReport", "HealthState", "TargetHealth", "build_health_report"]

_OK = range(200, 300)


class HealthState(StrEnum):
    """How a target is doing, from best to worst."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    DOWN = "down"


_BADNESS = list(HealthState)
_EXIT_CODES = {
    HealthState.HEALTHY: 0,
    HealthState.DEGRADED: 1,
    HealthState.UNKNOWN: 3,
    HealthState.DOWN: 3,
}


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """One target's verdict and all that it rests on.

    Attributes:
        desired: The release that is wanted here; None when the wanted one has no part here.
        ready: Replicas that are ready; None when the cluster did not say.
        replicas: Replicas the cluster wants; None when it did not say.
        seen: When it was looked at; None when it was not.
        age_seconds: How long ago that was.
        error: The last error met while looking, or the workload's own; empty when there is none.
    """

    target: str
    desired: int | None
    live: int | None
    state: HealthState
    reason: str
    ready: int | None = None
    replicas: int | None = None
    probe_status: int | None = None
    probe_seconds: float | None = None
    seen: datetime | None = None
    age_seconds: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Every target's health, in the order of their names, and the worst of them as a whole."""

    name: str
    at: datetime
    state: HealthState
    targets: tuple[TargetHealth, ...]

    @property
    def exit_code(self) -> int:
        """0 healthy; 1 degraded; 3 when a target is down or unknown, or nothing is deployed."""
        return _EXIT_CODES[self.state]


def build_health_report(
    head: Head,
    bundles: Mapping[int, Bundle],
    observations: Sequence[Observation],
    *,
    now: datetime,
    stale_after_seconds: float = 60.0,
) -> HealthReport:
    """Judge every target where a release is live or wanted.

    An observation older than ``stale_after_seconds`` says nothing of now: its target is unknown.
    """
    seen = {observation.target: observation for observation in observations}
    wanted = bundles.get(head.desired) if head.desired is not None else None
    wanted_here = {part.target for part in wanted.targets} if wanted else set()
    targets = tuple(
        _judge(
            target,
            desired=head.desired if wanted is None or target in wanted_here else None,
            live=head.live.get(target),
            observation=seen.get(target),
            now=now,
            stale_after_seconds=stale_after_seconds,
        )
        for target in sorted(wanted_here | set(head.live))
    )
    return HealthReport(head.name, now, _worst(targets), targets)


def _worst(targets: Sequence[TargetHealth]) -> HealthState:
    states = [target.state for target in targets] or [HealthState.UNKNOWN]
    return max(states, key=_BADNESS.index)


def _judge(
    target: str,
    *,
    desired: int | None,
    live: int | None,
    observation: Observation | None,
    now: datetime,
    stale_after_seconds: float,
) -> TargetHealth:
    if live is None:
        reason = f"release {desired} is wanted, nothing is live"
        return TargetHealth(target, desired, live, HealthState.DOWN, reason)
    if observation is None:
        return TargetHealth(target, desired, live, HealthState.UNKNOWN, "it was not looked at")
    age = max(0.0, (now - observation.at).total_seconds())
    state, reason = _verdict(observation)
    if state is HealthState.HEALTHY and desired != live:
        state, reason = HealthState.DEGRADED, _drift(desired, live)
    if age > stale_after_seconds:
        state, reason = HealthState.UNKNOWN, f"last seen {age:.0f} s ago, then {state}: {reason}"
    return _with_facts(TargetHealth(target, desired, live, state, reason), observation, age)


def _drift(desired: int | None, live: int) -> str:
    if desired is None:
        return f"release {live} still runs here, where none is wanted"
    return f"release {desired} is wanted, {live} is live"


def _with_facts(health: TargetHealth, observation: Observation, age: float) -> TargetHealth:
    readiness, probe = observation.readiness, observation.probe
    return replace(
        health,
        ready=readiness.ready if readiness else None,
        replicas=readiness.desired if readiness else None,
        probe_status=probe.status if probe else None,
        probe_seconds=probe.seconds if probe else None,
        seen=observation.at,
        age_seconds=age,
        error=_error(observation),
    )


def _error(observation: Observation) -> str:
    readiness = observation.readiness
    if observation.readiness_error or observation.probe_error:
        errors = (observation.readiness_error, observation.probe_error)
        return "; ".join(dict.fromkeys(filter(None, errors)))
    if readiness and readiness.verdict is not Verdict.READY:
        return readiness.message
    return ""


class _Sight(StrEnum):
    GOOD = "good"
    PARTLY = "partly"
    BAD = "bad"
    UNSEEN = "unseen"


def _verdict(observation: Observation) -> tuple[HealthState, str]:
    """Weigh the two sights.

    The endpoint decides whether users are served, the pods whether all of it is there. A good word
    of only one of them never makes a target healthy.
    """
    pods, pods_text = _see_pods(observation)
    door, door_text = _see_door(observation)
    texts = [text for sight, text in ((door, door_text), (pods, pods_text)) if sight != _Sight.GOOD]
    return _weigh(pods, door), "; ".join(dict.fromkeys(texts)) or f"{pods_text}, {door_text}"


def _weigh(pods: _Sight, door: _Sight) -> HealthState:
    if door is _Sight.BAD or (door is _Sight.UNSEEN and pods is _Sight.BAD):
        return HealthState.DOWN
    if door is _Sight.UNSEEN:
        return HealthState.UNKNOWN
    return HealthState.HEALTHY if pods is _Sight.GOOD else HealthState.DEGRADED


def _see_pods(observation: Observation) -> tuple[_Sight, str]:
    readiness = observation.readiness
    if readiness is None:
        return _Sight.UNSEEN, observation.readiness_error or "the cluster was not asked"
    tail = f": {readiness.message}" if readiness.message else ""
    if readiness.verdict is Verdict.MISSING:
        return _Sight.BAD, f"the workload is missing{tail}"
    counts = f"{readiness.ready} of {readiness.desired} replicas ready"
    if not readiness.ready:
        return _Sight.BAD, f"{counts}{tail}"
    whole = readiness.verdict is Verdict.READY and readiness.ready >= readiness.desired
    return (_Sight.GOOD, counts) if whole else (_Sight.PARTLY, f"{counts}{tail}")


def _see_door(observation: Observation) -> tuple[_Sight, str]:
    probe = observation.probe
    if probe is None:
        asked = _Sight.BAD if observation.url else _Sight.UNSEEN
        return asked, observation.probe_error or "the endpoint was not asked"
    text = f"{observation.url or 'the endpoint'} answered {probe.status}"
    if probe.status not in _OK:
        return _Sight.BAD, text
    return _Sight.GOOD, f"{text} in {probe.seconds * 1000:.0f} ms"
