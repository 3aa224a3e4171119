"""Weighs what each witness saw of a target.

Its pods, its endpoint and the endpoint's certificate, the router, its store, and its promise.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from deployer.ports import Verdict
from deployer.report.certificate import see_certificate
from deployer.report.evidence import Evidence, Sight
from deployer.report.objectives import Goal
from deployer.report.promise import see_goals
from deployer.report.router_view import RouterSight
from deployer.snapshot.observe import Observation

__all__ = ["HealthState", "look_closely", "weigh_sights"]

_OK = range(200, 300)


class HealthState(StrEnum):
    """How a target is doing, from best to worst."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    DOWN = "down"


def look_closely(
    observation: Observation,
    router: RouterSight | None,
    router_error: str = "",
    goals: Sequence[Goal] = (),
) -> tuple[Evidence, ...]:
    """Return every witness's word: the endpoint first, as it decides whether users are served."""
    return tuple(_witnesses(observation, router, router_error, goals))


def weigh_sights(evidence: tuple[Evidence, ...]) -> tuple[HealthState, str]:
    """Return the verdict and its reason.

    The endpoint decides whether users are served, the pods whether all of it is there. A good word
    of only one of them never makes a target healthy. The router is a second witness of the
    endpoint: where the two differ some are served and others are not. A model that is not in its
    store serves until a pod starts anew, a certificate until it ends, and a promise that is being
    broken is of those who were not served. A store that does not answer lowers no verdict: nothing
    that serves needs it.
    """
    sights = {it.source: it.sight for it in evidence}
    pods = sights.get("cluster", Sight.UNSEEN)
    door = _join(sights.get("endpoint", Sight.UNSEEN), sights.get("router", Sight.UNSEEN))
    state = _weigh(pods, door)
    warned = sights.get("store") is Sight.BAD or any(
        sights.get(it) is Sight.PARTLY for it in ("certificate", "slo")
    )
    if state is HealthState.HEALTHY and warned:
        state = HealthState.DEGRADED
    return state, _reason(evidence, healthy=state is HealthState.HEALTHY)


def _witnesses(
    observation: Observation,
    router: RouterSight | None,
    router_error: str,
    goals: Sequence[Goal],
) -> Iterator[Evidence]:
    yield Evidence("endpoint", *_see_door(observation))
    if observation.probe is not None and observation.probe.certificate is not None:
        yield see_certificate(observation.probe.certificate, observation.at)
    yield Evidence("cluster", *_see_pods(observation))
    if router is not None:
        yield Evidence("router", *_see_router(router))
    elif router_error:
        yield Evidence("router", Sight.UNSEEN, router_error)
    if observation.artifact is not None or observation.artifact_error:
        yield Evidence("store", *_see_store(observation))
    if goals:
        yield see_goals(goals)


def _join(door: Sight, router: Sight) -> Sight:
    if Sight.UNSEEN in (door, router):
        return router if door is Sight.UNSEEN else door
    return door if door is router else Sight.PARTLY


def _weigh(pods: Sight, door: Sight) -> HealthState:
    if door is Sight.BAD or (door is Sight.UNSEEN and pods is Sight.BAD):
        return HealthState.DOWN
    if door is Sight.UNSEEN:
        return HealthState.UNKNOWN
    return HealthState.HEALTHY if pods is door is Sight.GOOD else HealthState.DEGRADED


def _reason(evidence: tuple[Evidence, ...], *, healthy: bool) -> str:
    """Name what is not well; of a healthy target, what was seen.

    A store that does not answer and a promise that nobody counted are evidence and no reasons.
    """
    if healthy:
        seen = {it.source: it.says for it in evidence if it.sight is Sight.GOOD}
        return ", ".join(seen[it] for it in ("cluster", "endpoint", "router") if it in seen)
    texts = [
        it.says
        for it in evidence
        if it.sight in (Sight.BAD, Sight.PARTLY)
        or (it.sight is Sight.UNSEEN and it.source not in _ASIDE)
    ]
    return "; ".join(dict.fromkeys(texts))


_ASIDE = ("store", "slo")


def _see_pods(observation: Observation) -> tuple[Sight, str]:
    readiness = observation.readiness
    if readiness is None:
        return Sight.UNSEEN, observation.readiness_error or "the cluster was not asked"
    tail = f": {readiness.message}" if readiness.message else ""
    if readiness.verdict is Verdict.MISSING:
        return Sight.BAD, f"the workload is missing{tail}"
    counts = f"{readiness.ready} of {readiness.desired} replicas ready"
    if not readiness.ready:
        return Sight.BAD, f"{counts}{tail}"
    whole = readiness.verdict is Verdict.READY and readiness.ready >= readiness.desired
    return (Sight.GOOD, counts) if whole else (Sight.PARTLY, f"{counts}{tail}")


def _see_door(observation: Observation) -> tuple[Sight, str]:
    probe = observation.probe
    if probe is None:
        asked = Sight.BAD if observation.url else Sight.UNSEEN
        return asked, observation.probe_error or "the endpoint was not asked"
    text = f"{observation.url or 'the endpoint'} answered {probe.status}"
    if probe.status not in _OK:
        return Sight.BAD, text
    return Sight.GOOD, f"{text} in {probe.seconds * 1000:.0f} ms"


def _see_router(router: RouterSight) -> tuple[Sight, str]:
    known = {"healthy": Sight.GOOD, "degraded": Sight.PARTLY, "down": Sight.BAD}
    tail = f": {router.reason}" if router.reason else ""
    says = f"the router sees it {router.state} for {router.since_seconds:.0f} s{tail}"
    return known.get(router.state, Sight.UNSEEN), says


def _see_store(observation: Observation) -> tuple[Sight, str]:
    if observation.artifact is None:
        return Sight.UNSEEN, f"whether the model is in its store: {observation.artifact_error}"
    if observation.artifact:
        return Sight.GOOD, "the model is in its store"
    return Sight.BAD, "the model is not in its store: a new pod could not start"
