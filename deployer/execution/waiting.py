"""Waits until objects are ready, watches that they stay so, and says why they are not."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from deployer.errors import AccessDeniedError, DeployerError, RolloutError, TransientError
from deployer.execution.events import Waiting
from deployer.ports import Clock, Cluster, ObjectRef, Readiness, Verdict

__all__ = ["FLAPPED_SECONDS", "STABLE_SECONDS", "Wanted", "await_ready"]

STABLE_SECONDS = 1.0
"""What is ready has to stay so for this long."""

FLAPPED_SECONDS = 10.0
"""As `STABLE_SECONDS`, for what was ready before and then was not: it may do so again."""

_PAUSE_SECONDS = 1.0  # before a cluster that does not answer is asked again
_REFUSED_SECONDS = 10.0  # an API server that starts refuses for a moment whom it does not know yet

_Seen = Mapping[ObjectRef, Readiness]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is waited for, for how long, and on whose behalf.

    Attributes:
        check: Called often; raises to stop waiting.
        tell: Told of every look: what each object that is not ready does.
    """

    target: str
    release: int
    refs: Sequence[ObjectRef]
    timeout_seconds: float
    check: Callable[[], None]
    tell: Callable[[Sequence[Waiting]], None]


def await_ready(cluster: Cluster, wanted: Wanted, clock: Clock) -> str:
    """Return in a few words how ready the first of the objects is, once all are and stay so.

    Raises:
        RolloutError: One of them has failed, or is not ready in time; the hint has its last events
            and log lines.
        TransientError: The cluster did not answer at the end of the time.
    """
    state = _State(wanted, clock)
    while not state.over:
        wanted.check()
        try:
            if state.follow(cluster):
                first = state.seen[wanted.refs[0]]
                return f"{first.ready}/{first.desired} ready"
        except TransientError as error:
            state.lose(error)
        except AccessDeniedError as error:
            if not state.may_be_starting():
                raise
            state.lose(error)
        clock.sleep(min(_PAUSE_SECONDS, max(0.0, state.left_seconds)))
    raise state.too_late(cluster)


@dataclass(slots=True)
class _State:
    """What has been seen so far."""

    wanted: Wanted
    clock: Clock
    seen: dict[ObjectRef, Readiness] = field(default_factory=dict)
    started: float = 0.0
    lost: DeployerError | None = None
    _since: dict[ObjectRef, float] = field(default_factory=dict)
    _answered_at: float | None = None
    _ready_at: float | None = None
    _flapped: bool = False

    def __post_init__(self) -> None:
        self.started = self.clock.monotonic()

    @property
    def left_seconds(self) -> float:
        """How long there is left to wait."""
        return self.started + self.wanted.timeout_seconds - self.clock.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.left_seconds <= 0

    def follow(self, cluster: Cluster) -> bool:
        """Look until all are ready and stay so; return False when the time is up."""
        with closing(cluster.follow(self.wanted.refs)) as looks:
            for seen in looks:
                self.wanted.check()
                self._note(seen)
                if (culprit := self._failed()) is not None:
                    raise self._refusal(cluster, culprit, self.seen[culprit].message)
                if self._is_stable():
                    return True
                self.wanted.tell(self._describe())
                if self.over:
                    return False
        return False

    def lose(self, error: DeployerError) -> None:
        """Note that the cluster does not answer, and tell."""
        self.lost = error
        self._ready_at = None
        self.wanted.tell([Waiting(self.wanted.target, "away", 0.0, error.message)])

    def may_be_starting(self) -> bool:
        """Return whether it answered a moment ago: then a refusal may pass."""
        at = self._answered_at
        return at is not None and self.clock.monotonic() - at < _REFUSED_SECONDS

    def too_late(self, cluster: Cluster) -> DeployerError:
        """Return the error for a wait whose time is up."""
        why = f"not ready in {self.wanted.timeout_seconds:g} s: "
        if self.lost is not None:
            return _no_answer(self.wanted, why + self.lost.message)
        waiting = self._unready()
        if not waiting:
            ref = self.wanted.refs[0]
            return self._refusal(cluster, ref, f"{why}it was ready and then was not, again")
        return self._refusal(cluster, waiting[0], why + _words(self.seen[waiting[0]]))

    def _note(self, seen: _Seen) -> None:
        now = self.clock.monotonic()
        self._answered_at, self.lost = now, None
        for ref, readiness in seen.items():
            before = self.seen.get(ref)
            if before is None or _gist(before) != _gist(readiness):
                self._since[ref] = now
        self.seen = dict(seen)
        if not self._unready():
            self._ready_at = now if self._ready_at is None else self._ready_at
        elif self._ready_at is not None:
            self._ready_at, self._flapped = None, True

    def _is_stable(self) -> bool:
        if self._ready_at is None:
            return False
        window = FLAPPED_SECONDS if self._flapped else STABLE_SECONDS
        return self.clock.monotonic() - self._ready_at >= window

    def _unready(self) -> list[ObjectRef]:
        """Return what is not ready; workloads that find no room first: they hold up the rest."""
        waiting = [ref for ref, each in self.seen.items() if not self._is_ready(ref, each)]
        return sorted(waiting, key=lambda ref: self.seen[ref].verdict is not Verdict.PENDING)

    def _is_ready(self, ref: ObjectRef, readiness: Readiness) -> bool:
        """The workload has to have pods: one that is scaled to 0 is well, and serves nobody."""
        serves = ref != self.wanted.refs[0] or readiness.ready > 0
        return readiness.verdict is Verdict.READY and serves

    def _failed(self) -> ObjectRef | None:
        verdicts = ((ref, each.verdict) for ref, each in self.seen.items())
        return next((ref for ref, verdict in verdicts if verdict is Verdict.FAILED), None)

    def _describe(self) -> list[Waiting]:
        now = self.clock.monotonic()
        return [
            Waiting(
                str(ref),
                self.seen[ref].verdict.value,
                now - self._since[ref],
                _words(self.seen[ref]),
            )
            for ref in self._unready()
        ]

    def _refusal(self, cluster: Cluster, ref: ObjectRef, why: str) -> RolloutError:
        try:
            evidence = cluster.explain(ref)
        except DeployerError:
            evidence = ""
        return RolloutError(
            f"{self.wanted.target}: {ref.kind} {ref.name}: {why}",
            release=self.wanted.release,
            hint=f"Its last events and log lines:\n{evidence}" if evidence else None,
        )


def _no_answer(wanted: Wanted, why: str) -> TransientError:
    """A cluster that does not answer says nothing about the release: it is not to blame."""
    ref = wanted.refs[0]
    return TransientError(
        f"{wanted.target}: {ref.kind} {ref.name}: {why}", operation="readiness", resource=ref.name
    )


def _gist(readiness: Readiness) -> tuple[str, str]:
    return readiness.verdict, readiness.message


def _words(readiness: Readiness) -> str:
    return readiness.message or readiness.verdict.value
