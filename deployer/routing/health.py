"""How healthy a backend is, judged one outcome at a time. Pure: time and chance are arguments.

Two witnesses are heard and neither overrules the other: active probes (is it there?) and passive
outcomes (do predictions work?). A probe that passes never ends a passive ejection early, because a
server whose predictions fail often still says it is ready.

    unknown    nothing has been heard yet; used only when nothing better is there
    healthy    the last word of both witnesses is good
    degraded   in use, with something held against it (failures in a row, or busy)
    down       not in use: probes failed, or ejected until a time; then one request may try it
"""

import random
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

__all__ = [
    "Health",
    "Outcome",
    "Rules",
    "Source",
    "State",
    "begin_trial",
    "eject",
    "is_usable",
    "judge",
    "outcome_of_status",
    "readmit",
    "warm_up",
]


class State(StrEnum):
    """The four words for a backend's health."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"


class Source(StrEnum):
    """Who caused the last change: a witness, or somebody who may order it."""

    ACTIVE = "active"
    PASSIVE = "passive"
    ADMIN = "admin"


class Outcome(StrEnum):
    """What was seen of a backend: by a probe (the first two) or by a request.

    ``BUSY`` is 429 or 503: alive, and not a sign of sickness. ``ABANDONED`` says nothing about the
    backend: the client went away, or its own stalled.
    """

    PROBE_PASSED = "probe-passed"
    PROBE_FAILED = "probe-failed"
    SERVED = "served"
    FAILED = "failed"
    BUSY = "busy"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds.

    Fall 3 / rise 2 are HAProxy's defaults; five consecutive failures and ejections that grow up to
    300 s are Envoy's outlier detection, with a base of 5 s instead of 30 s because here is usually
    one endpoint per cloud, and with the jitter Linkerd adds so that routers don't return at once.

    Attributes:
        decay_seconds: The growth of ejections is forgotten by one step per this long without one.
        slow_start_seconds: One that comes back, or is new, gets its whole weight after this long.
    """

    fall: int = 3
    rise: int = 2
    failures: int = 5
    ejection_seconds: float = 5.0
    ejection_cap_seconds: float = 300.0
    jitter: float = 0.2
    decay_seconds: float = 60.0
    slow_start_seconds: float = 30.0

    @classmethod
    def fast(cls) -> "Rules":
        """Return the thresholds that judge sooner; together with `Pace.fast`."""
        return cls(fall=2, failures=3)


_COLD = 0.1
"""The share of its weight that a backend starts with: a tenth, as Envoy's least."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of one backend. Times are monotonic seconds.

    Attributes:
        since: When ``state`` last changed.
        proven: Something good was heard of it at least once.
        up: What the probes say; true until they say otherwise.
        probes_failed: In a row.
        probes_passed: In a row, counted while it is not up.
        requests_failed: In a row.
        ejections: How many there were in a row; the next lasts twice as long.
        ejected_until: From then on, one request may try it.
        on_trial: That request is under way.
        warm_from: When it came into use, while it starts slowly.
        warm_until: When it has its whole weight.
    """

    since: float
    state: State = State.UNKNOWN
    reason: str = "not probed yet"
    source: Source = Source.ACTIVE
    proven: bool = False
    up: bool = True
    probes_failed: int = 0
    probes_passed: int = 0
    requests_failed: int = 0
    busy: bool = False
    ejections: int = 0
    ejected_until: float | None = None
    readmitted: float | None = None
    on_trial: bool = False
    last_failure: float | None = None
    warm_from: float = 0.0
    warm_until: float = 0.0

    def warmth(self, now: float) -> float:
        """Return the share of its weight it gets now: caches fill and connections open first."""
        if now >= self.warm_until:
            return 1.0
        passed = max(0.0, now - self.warm_from) / (self.warm_until - self.warm_from)
        return _COLD + (1.0 - _COLD) * passed


def judge(
    health: Health,
    outcome: Outcome,
    now: float,
    *,
    rng: random.Random,
    rules: Rules = Rules(),
    may_eject: bool = True,
    often: bool = False,
    reason: str = "",
) -> Health:
    """Return the health after ``outcome``.

    Args:
        often: Too many of the last requests failed, though not in a row.
        may_eject: False when no other backend could take the traffic: the last usable one is never
            ejected, it stays degraded. Probes are not bound by this.
        reason: What went wrong, in a few words; kept in the new health's reason.
    """
    match outcome:
        case Outcome.PROBE_PASSED:
            after = _pass_probe(health, rules)
        case Outcome.PROBE_FAILED:
            after = _fail_probe(health, now, rules)
        case Outcome.SERVED:
            after = _serve(health, now)
        case Outcome.FAILED:
            after = _fail_request(health, now, rules, rng, may_eject=may_eject, often=often)
        case Outcome.BUSY:
            after = replace(health, busy=True, on_trial=False)
        case Outcome.ABANDONED:
            after = health if not health.on_trial else replace(health, on_trial=False)
        case _:  # pragma: no cover
            assert_never(outcome)
    return (
        after
        if after is health
        else _settle(health, after, outcome, now, rules=rules, reason=reason)
    )


def is_usable(health: Health, now: float) -> bool:
    """Tell whether a request may be sent there now, be it as the one that tries it."""
    if not health.up:
        return False
    until = health.ejected_until
    return until is None or (now >= until and not health.on_trial)


def begin_trial(health: Health) -> Health:
    """Return the health with its one trial request under way; unchanged unless it is ejected."""
    return health if health.ejected_until is None else replace(health, on_trial=True)


def eject(health: Health, now: float, *, seconds: float, reason: str) -> Health:
    """Return the health of one that is ordered out of use; afterwards one request may try it."""
    after = replace(health, ejected_until=now + seconds, on_trial=False)
    return _change(health, after, now, reason)


def readmit(health: Health, now: float, *, rules: Rules = Rules(), reason: str) -> Health:
    """Return the health of one that is ordered back: what requests say against it is forgotten.

    What probes say is not: one that does not answer stays down.
    """
    after = replace(
        health,
        ejected_until=None,
        on_trial=False,
        requests_failed=0,
        busy=False,
        ejections=0,
        readmitted=now,
    )
    return warm_up(_change(health, after, now, reason), now, rules=rules)


def warm_up(health: Health, now: float, *, rules: Rules = Rules()) -> Health:
    """Return the health of one that starts slowly from now on."""
    return replace(health, warm_from=now, warm_until=now + rules.slow_start_seconds)


_SERVED = Outcome.SERVED  # an enum looks its members up at every use


def outcome_of_status(status: int) -> Outcome:
    """Return what a response says about the backend: 4xx is the client's fault, never counted."""
    if status < 429:  # noqa: PLR2004 - the first of them
        return _SERVED
    if status in (429, 503):
        return Outcome.BUSY
    return Outcome.FAILED if status >= 500 else Outcome.SERVED  # noqa: PLR2004 - RFC 9110, 15.6


def _pass_probe(health: Health, rules: Rules) -> Health:
    if health.up:
        calm = health.proven and health.probes_failed == 0
        return health if calm else replace(health, proven=True, probes_failed=0)
    passed = health.probes_passed + 1
    if passed < rules.rise:
        return replace(health, probes_passed=passed, probes_failed=0)
    return replace(
        health, up=True, proven=True, probes_passed=0, probes_failed=0, requests_failed=0
    )


def _fail_probe(health: Health, now: float, rules: Rules) -> Health:
    failed = health.probes_failed + 1
    up = health.up and failed < rules.fall
    return replace(health, up=up, probes_failed=failed, probes_passed=0, last_failure=now)


def _serve(health: Health, now: float) -> Health:
    stale = health.ejected_until is not None and not health.on_trial
    if health.state is State.HEALTHY or stale:
        return health
    readmitted = health.readmitted if health.ejected_until is None else now
    return replace(
        health,
        proven=True,
        requests_failed=0,
        busy=False,
        ejected_until=None,
        on_trial=False,
        readmitted=readmitted,
    )


def _fail_request(
    health: Health,
    now: float,
    rules: Rules,
    rng: random.Random,
    *,
    may_eject: bool,
    often: bool,
) -> Health:
    after = replace(
        health, requests_failed=health.requests_failed + 1, last_failure=now, on_trial=False
    )
    failed_trial = health.ejected_until is not None and health.on_trial
    still_ejected = health.ejected_until is not None and not health.on_trial
    too_many = often or after.requests_failed >= rules.failures
    if still_ejected or not (failed_trial or too_many):
        return after
    return _eject(after, now, rules, rng) if may_eject or failed_trial else after


def _eject(health: Health, now: float, rules: Rules, rng: random.Random) -> Health:
    times = health.ejections
    if health.ejected_until is None and health.readmitted is not None:
        times = max(0, times - int((now - health.readmitted) / rules.decay_seconds))
    seconds = min(rules.ejection_cap_seconds, rules.ejection_seconds * 2.0 ** min(times, 32))
    seconds *= 1.0 + rng.uniform(-rules.jitter, rules.jitter)
    return replace(health, ejections=times + 1, ejected_until=now + seconds)


def _settle(
    before: Health,
    after: Health,
    outcome: Outcome,
    now: float,
    *,
    rules: Rules,
    reason: str,
) -> Health:
    state = _state_of(after)
    probed = outcome in (Outcome.PROBE_PASSED, Outcome.PROBE_FAILED)
    bad = outcome in (Outcome.PROBE_FAILED, Outcome.FAILED, Outcome.BUSY)
    if state is before.state and not bad:
        return after
    if _comes_into_use(before.state, state):
        after = warm_up(after, now, rules=rules)
    return replace(
        after,
        state=state,
        since=before.since if state is before.state else now,
        reason=_say(after, outcome, reason),
        source=Source.ACTIVE if probed else Source.PASSIVE,
    )


def _change(before: Health, after: Health, now: float, reason: str) -> Health:
    state = _state_of(after)
    since = before.since if state is before.state else now
    return replace(after, state=state, since=since, reason=reason, source=Source.ADMIN)


def _comes_into_use(before: State, after: State) -> bool:
    used = (State.HEALTHY, State.DEGRADED)
    return after in used and before not in used


def _state_of(health: Health) -> State:
    if not health.up or health.ejected_until is not None:
        return State.DOWN
    if not health.proven:
        return State.UNKNOWN
    blemished = health.probes_failed or health.requests_failed or health.busy
    return State.DEGRADED if blemished else State.HEALTHY


def _say(health: Health, outcome: Outcome, reason: str) -> str:
    detail = f": {reason}" if reason else ""
    match outcome:
        case Outcome.PROBE_FAILED:
            return f"{_count(health.probes_failed, 'probe')}{detail}"
        case Outcome.FAILED:
            return f"{_count(health.requests_failed, 'request')}{detail}"
        case Outcome.BUSY:
            return f"busy{detail}"
        case Outcome.PROBE_PASSED:
            return "probes pass"
        case _:
            return "requests are served"


def _count(number: int, noun: str) -> str:
    return f"1 {noun} failed" if number == 1 else f"{number} {noun}s failed in a row"
