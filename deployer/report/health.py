"""Is it serving: one verdict per target from what was seen, and what was not (G8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from deployer.ports import Verdict
from deployer.release.records import Bundle, Head
from deployer.report.evidence import Evidence, Sight
from deployer.report.objectives import Goal
from deployer.report.router_view import RouterView
from deployer.report.sights import HealthState, look_closely, weigh_sights
from deployer.report.surroundings import Surroundings, look_around
from deployer.snapshot.observe import Observation

__all__ = ["HealthReport", "TargetHealth", "build_health_report"]

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
        since_seconds: For how long the verdict has held; None when no witness can say.
        evidence: What each witness said.
        goals: What is promised of it and what was held; empty when nothing is promised.
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
    since_seconds: float | None = None
    evidence: tuple[Evidence, ...] = ()
    goals: tuple[Goal, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Every target's health, in the order of their names, and the worst of them as a whole.

    Attributes:
        evidence: What all targets have in common: the state's stores, the prices' age. A state
            that cannot spare another store degrades the whole; no target's verdict depends on it.
    """

    name: str
    at: datetime
    state: HealthState
    targets: tuple[TargetHealth, ...]
    evidence: tuple[Evidence, ...] = ()

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
    router: RouterView | None = None,
    goals: Mapping[str, tuple[Goal, ...]] | None = None,
    around: Surroundings | None = None,
) -> HealthReport:
    """Judge every target where a release is live or wanted.

    An observation older than ``stale_after_seconds`` says nothing of now: its target is unknown.

    Args:
        router: One more witness.
        goals: By target, what is promised of it and was held.
        around: What all targets have in common.
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
            router=router,
            goals=(goals or {}).get(target, ()),
        )
        for target in sorted(wanted_here | set(head.live))
    )
    evidence = look_around(around, now) if around is not None else ()
    return HealthReport(head.name, now, _worst(targets, evidence), targets, evidence)


def _worst(targets: Sequence[TargetHealth], around: Sequence[Evidence]) -> HealthState:
    states = [target.state for target in targets] or [HealthState.UNKNOWN]
    if any(it.source == "state" and it.sight is not Sight.GOOD for it in around):
        states.append(HealthState.DEGRADED)
    return max(states, key=_BADNESS.index)


def _judge(
    target: str,
    *,
    desired: int | None,
    live: int | None,
    observation: Observation | None,
    now: datetime,
    stale_after_seconds: float,
    router: RouterView | None,
    goals: tuple[Goal, ...],
) -> TargetHealth:
    if live is None:
        reason = f"release {desired} is wanted, nothing is live"
        return TargetHealth(target, desired, live, HealthState.DOWN, reason)
    if observation is None:
        return TargetHealth(target, desired, live, HealthState.UNKNOWN, "it was not looked at")
    age = max(0.0, (now - observation.at).total_seconds())
    sight = router.sights.get(target) if router is not None else None
    if sight is not None and sight.release != live:
        sight = None  # it still follows other routes
    evidence = look_closely(observation, sight, router.error if router is not None else "", goals)
    state, reason = weigh_sights(evidence)
    if state is HealthState.HEALTHY and desired != live:
        state, reason = HealthState.DEGRADED, _drift(desired, live)
    if age > stale_after_seconds:
        state, reason = HealthState.UNKNOWN, f"last seen {age:.0f} s ago, then {state}: {reason}"
    agreed = sight is not None and sight.state == state
    since = sight.since_seconds if sight is not None and agreed else None
    health = TargetHealth(
        target, desired, live, state, reason, since_seconds=since, evidence=evidence, goals=goals
    )
    return _with_facts(health, observation, age)


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
    unready = readiness.message if readiness and readiness.verdict is not Verdict.READY else ""
    errors = (observation.readiness_error, observation.probe_error, unready)
    return "; ".join(dict.fromkeys(filter(None, errors)))
