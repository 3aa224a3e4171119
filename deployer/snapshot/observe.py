"""Looks at what is live, on every target at once, each within its own time (G9)."""

import queue
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from deployer.errors import DeployerError
from deployer.ports import Clock, HttpRequest, HttpResponse, ObjectRef, Probe, Provider, Readiness
from deployer.release.records import Bundle, Head, TargetBundle

__all__ = ["Observation", "observe_targets"]

_PROBE_SHARE = 0.8  # of the time, so that a probe that gives up can still say which part failed


@dataclass(frozen=True, slots=True)
class Observation:
    """What one target showed of its live release; what it did not show is None, with the reason.

    Attributes:
        at: When the look began, so that an age computed from it is never too small.
        url: Where the endpoint was asked. Empty when it could not be asked, so that nothing can be
            said of it; ``probe_error`` says why.
    """

    target: str
    at: datetime
    readiness: Readiness | None = None
    readiness_error: str = ""
    probe: HttpResponse | None = None
    probe_error: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class _Knock:
    """What the endpoint did when asked."""

    url: str = ""
    response: HttpResponse | None = None
    error: str = ""


def observe_targets(
    head: Head,
    bundles: Mapping[int, Bundle],
    providers: Mapping[str, Provider],
    probe: Probe,
    clock: Clock,
    *,
    timeout_seconds: float = 5.0,
) -> tuple[Observation, ...]:
    """Look at every target where a release is live, in the order of their names.

    Cluster and endpoint of every target are asked at the same time, in threads of their own. Who
    does not answer within ``timeout_seconds`` is left behind and becomes an unknown; nobody waits
    for anybody else. A service without an outside address is asked through its cluster.
    """
    at = clock.now()
    parts = {target: _live_part(head, bundles, target) for target in sorted(head.live)}
    looks: dict[tuple[str, str], Callable[[], Readiness | _Knock]] = {}
    for target, part in parts.items():
        if part is not None and target in providers:
            looks[target, "pods"] = _pods_look(part, providers[target])
            looks[target, "door"] = _door_look(part, providers[target], probe, timeout_seconds)
    answers = _call_all(looks, clock, timeout_seconds)
    return tuple(
        _observation(target, part, at, answers, timeout_seconds)
        if (target, "pods") in looks and part is not None
        else _blind(target, at, _why_blind(part, head.live[target]))
        for target, part in parts.items()
    )


def _live_part(head: Head, bundles: Mapping[int, Bundle], target: str) -> TargetBundle | None:
    bundle = bundles.get(head.live[target])
    return bundle.target(target) if bundle else None


def _pods_look(part: TargetBundle, provider: Provider) -> Callable[[], Readiness]:
    return lambda: provider.cluster.readiness(ObjectRef("apps/v1", "Deployment", part.workload))


def _door_look(
    part: TargetBundle, provider: Provider, probe: Probe, timeout_seconds: float
) -> Callable[[], _Knock]:
    request = HttpRequest(path=part.ready_path)
    seconds = _PROBE_SHARE * timeout_seconds

    def knock() -> _Knock:
        url = part.endpoint or provider.cluster.endpoint(part.service)
        if url is None:
            answer = provider.cluster.call(part.service, request, timeout_seconds=seconds)
            return _Knock(f"service {part.service} through the cluster", answer)
        try:
            return _Knock(url, probe.send(url, request, timeout_seconds=seconds))
        except DeployerError as error:
            return _Knock(url, error=error.message)

    return knock


K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def _call_all(
    calls: Mapping[K, Callable[[], T]], clock: Clock, timeout_seconds: float
) -> dict[K, T | DeployerError]:
    """Return what came back in time; what did not is missing, and its thread is left to end.

    The threads are daemons: one that hangs does not keep the program from ending.
    """
    answers: queue.SimpleQueue[tuple[K, T | DeployerError]] = queue.SimpleQueue()
    deadline = clock.monotonic() + timeout_seconds
    for key, call in calls.items():
        threading.Thread(target=_work, args=(key, call, answers), daemon=True).start()
    found: dict[K, T | DeployerError] = {}
    while len(found) < len(calls):
        try:
            key, answer = answers.get(timeout=max(0.0, deadline - clock.monotonic()))
        except queue.Empty:
            break
        found[key] = answer
    return found


def _work(
    key: K, call: Callable[[], T], answers: "queue.SimpleQueue[tuple[K, T | DeployerError]]"
) -> None:
    """Answer always; an error that is not ours is answered as such, and shows its stack."""
    answer: T | DeployerError = DeployerError("the look itself broke off")
    try:
        answer = call()
    except DeployerError as error:
        answer = error
    finally:
        answers.put((key, answer))


def _observation(
    target: str,
    part: TargetBundle,
    at: datetime,
    answers: Mapping[tuple[str, str], Readiness | _Knock | DeployerError],
    timeout_seconds: float,
) -> Observation:
    pods, door = answers.get((target, "pods")), answers.get((target, "door"))
    late = f"did not answer in {timeout_seconds:g} s"
    knock = door if isinstance(door, _Knock) else _silent_door(part, door, late)
    return Observation(
        target=target,
        at=at,
        readiness=pods if isinstance(pods, Readiness) else None,
        readiness_error=_error_text(pods, f"the cluster {late}"),
        probe=knock.response,
        probe_error=knock.error,
        url=knock.url,
    )


def _silent_door(part: TargetBundle, door: object, late: str) -> _Knock:
    if isinstance(door, DeployerError):
        return _Knock(error=f"the endpoint could not be asked: {door.message}")
    where = part.endpoint or ""
    return _Knock(url=where, error=f"{where or 'the endpoint'} {late}")


def _error_text(answer: object, late: str) -> str:
    if isinstance(answer, DeployerError):
        return answer.message
    return late if answer is None else ""


def _why_blind(part: TargetBundle | None, release: int) -> str:
    if part is None:
        return f"release {release} is recorded as live but has no part for this target"
    return "the spec has no target of this name any more"


def _blind(target: str, at: datetime, why: str) -> Observation:
    return Observation(target, at, readiness_error=why, probe_error=why)
