"""Looks at what is live, on every target at once, each within its own time (G9)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from deployer.artifact import has_artifact
from deployer.errors import DeployerError
from deployer.parallel import ask_each
from deployer.ports import Clock, HttpRequest, HttpResponse, ObjectRef, Probe, Provider, Readiness
from deployer.release.records import Bundle, Head, TargetBundle
from deployer.values import Digest

__all__ = ["Observation", "observe_targets"]

_PROBE_SHARE = 0.8  # of the time, so that a probe that gives up can still say which part failed


@dataclass(frozen=True, slots=True)
class Observation:
    """What one target showed of its live release; what it did not show is None, with the reason.

    Attributes:
        at: When the look began, so that an age computed from it is never too small.
        artifact: Whether the live release's model is in the target's own store.
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
    artifact: bool | None = None
    artifact_error: str = ""


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

    Cluster, endpoint and store of every target are asked at the same time, in threads of their
    own. What does not answer within ``timeout_seconds`` of real time is left behind and becomes an
    unknown; nobody waits for anybody else. A service without an outside address is asked through
    its cluster.
    """
    at = clock.now()
    parts = {target: _live_part(head, bundles, target) for target in sorted(head.live)}
    looks: dict[str, Callable[[], Readiness | _Knock | bool]] = {}
    for target, part in parts.items():
        if part is not None and target in providers:
            looks[_pods_of(target)] = _pods_look(part, providers[target])
            looks[_door_of(target)] = _door_look(part, providers[target], probe, timeout_seconds)
            digest = Digest.parse(bundles[head.live[target]].artifact.digest)
            looks[_store_of(target)] = partial(has_artifact, providers[target].store, digest)
    answers = ask_each(looks, timeout_seconds=timeout_seconds, what="looking at what is live")
    return tuple(
        _observation(target, part, at, answers)
        if part is not None and _pods_of(target) in answers
        else _blind(target, at, _why_blind(part, head.live[target]))
        for target, part in parts.items()
    )


def _pods_of(target: str) -> str:
    """Name the look as its timeout will be told."""
    return f"the cluster of {target}"


def _door_of(target: str) -> str:
    return f"the endpoint of {target}"


def _store_of(target: str) -> str:
    return f"the store of {target}"


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


def _observation(
    target: str,
    part: TargetBundle,
    at: datetime,
    answers: Mapping[str, Readiness | _Knock | bool | DeployerError],
) -> Observation:
    pods, door = answers[_pods_of(target)], answers[_door_of(target)]
    stored = answers[_store_of(target)]
    knock = door if isinstance(door, _Knock) else _unanswered(part, door)
    return Observation(
        target=target,
        at=at,
        readiness=pods if isinstance(pods, Readiness) else None,
        readiness_error=pods.message if isinstance(pods, DeployerError) else "",
        probe=knock.response,
        probe_error=knock.error,
        url=knock.url,
        artifact=stored if isinstance(stored, bool) else None,
        artifact_error=stored.message if isinstance(stored, DeployerError) else "",
    )


def _unanswered(part: TargetBundle, door: object) -> _Knock:
    """Hold it against the address when that is written down; else it was never found."""
    return _Knock(
        part.endpoint or "", error=door.message if isinstance(door, DeployerError) else ""
    )


def _why_blind(part: TargetBundle | None, release: int) -> str:
    if part is None:
        return f"release {release} is recorded as live but has no part for this target"
    return "the spec has no target of this name any more"


def _blind(target: str, at: datetime, why: str) -> Observation:
    return Observation(target, at, readiness_error=why, probe_error=why)
