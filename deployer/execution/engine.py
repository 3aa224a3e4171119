"""Runs a plan's phases: targets side by side, a barrier after each phase, every step journaled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from deployer.errors import DeployerError, LeaseLostError, RolloutError, StateError
from deployer.execution.context import Context, StoppedError
from deployer.execution.events import Event
from deployer.execution.steps import run_step
from deployer.parallel import ask_each
from deployer.plan import Reached, build_put_back
from deployer.plan.model import Finish, Phase, Plan, Push, Route, Share, Shift, Step
from deployer.release.journal import About, begun
from deployer.release.records import Bundle, Entry

__all__ = ["read_earlier", "run_phases"]

_MARGIN_SECONDS = 30.0

_Ending = Literal["done", "failed", "stopped"]


def run_phases(plan: Plan, context: Context) -> dict[str, DeployerError]:
    """Run every phase; return the targets that failed, with their errors.

    When more targets have failed than the plan bears, the others are stopped and no further phase
    begins. A target that failed before that is left out of what follows: a deploy takes it back to
    what it had, after the phase in which it failed, and what it had serves on. In a rollback, and
    where it can't be taken back, routers send it nothing. The record says what it serves.

    Raises:
        LeaseLostError: Another run took over; nothing more was written.
        StateError: The state's majority is gone; the run can be gone on with when it is back.
    """
    progress = _Progress(_serving_at_first(plan), past=_read_past(plan, context))
    return _run(plan, context, progress).failed


@dataclass(slots=True)
class _Progress:
    """What each target serves as far as this run knows, and which have failed.

    ``failing`` knows of those that failed in a phase that goes on; ``drained`` get no traffic, and
    ``shares`` says what a canary gets. ``past`` is how steps that are run once ended before.
    """

    serving: dict[str, int]
    past: Mapping[About, Entry] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)
    failed: dict[str, DeployerError] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    drained: set[str] = field(default_factory=set)


def _run(plan: Plan, context: Context, progress: _Progress) -> _Progress:
    for phase in plan.phases:
        errors = _run_phase(plan, phase, context, progress)
        progress.failed |= errors
        progress.drained |= errors.keys()
        if errors and plan.kind == "deploy" and plan.bears(progress.failed):
            _take_back(plan, errors, context, progress)
        if not plan.bears(progress.failed):
            break
    return progress


def _take_back(
    plan: Plan, errors: Mapping[str, DeployerError], context: Context, progress: _Progress
) -> None:
    """Give targets that failed what they had before; what can't be taken back stays drained."""
    names = errors.keys()
    entries = context.journal.read()
    reached = Reached(
        begun(entries, "apply") & names,
        begun(entries, "shift") & names,
        begun(entries, "open") & names,
        shared=bool(progress.shares.keys() & names),
    )
    progress.shares = {name: part for name, part in progress.shares.items() if name not in names}
    context.forget(names)
    others = {name: number for name, number in progress.serving.items() if name not in names}
    had = {name: number for name, number in plan.before.items() if name in names}
    back = build_put_back(
        plan,
        read_earlier(plan, context),
        reached=reached,
        live={**others, **had},
        shares=progress.shares,
    )
    context.tell(Event("undo", detail=f"{', '.join(names)} alone; the others go on"))
    drained = progress.drained - names
    stuck = _run(back, context, _Progress(dict(progress.serving), drained=drained)).failed
    still = {name: number for name, number in progress.serving.items() if name in stuck}
    progress.serving = {**others, **had, **still}
    progress.drained = drained | stuck.keys()
    progress.failed |= {name: _stuck(errors.get(name), error) for name, error in stuck.items()}


def _stuck(first: DeployerError | None, second: DeployerError) -> DeployerError:
    """Return why a target failed, and why it could not be taken back."""
    if first is None:
        return second
    return RolloutError(
        f"{first.message}; it could not be taken back: {second.message}",
        release=None,
        undone=False,
        hint=first.hint,
    )


def read_earlier(plan: Plan, context: Context) -> dict[int, Bundle]:
    """Return the bundles of what was live, or at rest beside, when the plan was made."""
    beside = set[int]().union(*plan.beside.values())
    return {number: context.bundle(number) for number in {*plan.before.values(), *beside}}


def _serving_at_first(plan: Plan) -> dict[str, int]:
    """Before a run it is what was live; before an undo, targets to restore have the new release."""
    if plan.kind != "undo":
        return dict(plan.before)
    steps = [step for phase in plan.phases for step in phase.steps if isinstance(step, Shift)]
    return {**plan.before, **{step.target: plan.release for step in steps}}


def _run_phase(
    plan: Plan, phase: Phase, context: Context, progress: _Progress
) -> dict[str, DeployerError]:
    lanes = _lanes(plan, phase, progress)
    context = context.for_phase([name for name, steps in lanes.items() if _pushes(steps)])
    context.tell(Event("phase", phase.name))
    calls = {
        name: partial(_run_lane, plan, phase, steps, context, progress)
        for name, steps in lanes.items()
    }
    try:
        answers = ask_each(calls, timeout_seconds=_timeouts(plan, lanes), what=phase.name)
    finally:
        context.stopped.set()
    errors = {name: error for name, error in answers.items() if isinstance(error, DeployerError)}
    for error in errors.values():
        if isinstance(error, LeaseLostError | StateError):
            raise error
    return {name: error for name, error in errors.items() if not isinstance(error, StoppedError)}


def _run_lane(
    plan: Plan, phase: Phase, steps: Sequence[Step], context: Context, progress: _Progress
) -> None:
    for step in steps:
        try:
            if not _is_done(phase, step, progress):
                _run_recorded(phase, step, context)
        except DeployerError as error:
            progress.failing.add(step.target)
            lost = isinstance(error, LeaseLostError | StateError)
            if lost or not plan.bears(progress.failing):
                context.stopped.set()
            raise
        _note(step, progress)


def _note(step: Step, progress: _Progress) -> None:
    if isinstance(step, Shift):
        progress.serving[step.target] = step.release
    elif isinstance(step, Share):
        progress.shares = dict(step.shares)
    elif isinstance(step, Route):
        progress.shares = {}


def _read_past(plan: Plan, context: Context) -> dict[About, Entry]:
    """Return how steps ended in a process before this one, where that is not to be repeated."""
    names = {phase.name for phase in plan.phases if phase.once}
    entries = context.journal.read() if names else []
    return {
        About(entry.phase, entry.step, entry.target): entry
        for entry in entries
        if entry.phase in names and (entry.event == "done" or entry.data is not None)
    }


def _is_done(phase: Phase, step: Step, progress: _Progress) -> bool:
    """Return whether an earlier process did the step.

    Raises:
        DeployerError: It failed there.
    """
    entry = progress.past.get(_about(phase, step)) if phase.once else None
    if entry is None or entry.event == "done":
        return entry is not None
    if entry.data["to_blame"]:
        raise RolloutError(entry.detail, release=None)
    raise DeployerError(entry.detail)


def _about(phase: Phase, step: Step) -> About:
    return About(phase.name, step.kind, step.target)


def _run_recorded(phase: Phase, step: Step, context: Context) -> None:
    about = _about(phase, step)
    context.check()
    context.journal.write("begin", about)
    context.tell(_event("begin", about))
    started = context.clock.monotonic()
    try:
        detail = run_step(step, context)
    except DeployerError as error:
        seconds = context.clock.monotonic() - started
        kind: _Ending = "stopped" if isinstance(error, StoppedError) else "failed"
        context.tell(_event(kind, about, error.message, seconds))
        _record_failure(context, about, error)
        raise
    context.journal.write("done", about, detail=detail)
    context.tell(_event("done", about, detail, context.clock.monotonic() - started))


def _event(
    kind: Literal["begin"] | _Ending, about: About, detail: str = "", seconds: float = 0.0
) -> Event:
    return Event(kind, about.phase, about.step, about.target, detail=detail, seconds=seconds)


def _record_failure(context: Context, about: About, error: DeployerError) -> None:
    """Journal the failure; if that fails too, say so on the error instead of hiding it."""
    if isinstance(error, LeaseLostError | StateError):
        return
    stopped = isinstance(error, StoppedError)
    data = None if stopped else {"to_blame": isinstance(error, RolloutError)}
    try:
        context.journal.write("failed", about, detail=error.message, data=data)
    except DeployerError as second:
        error.add_note(f"the journal could not be written either: {second.message}")


def _lanes(plan: Plan, phase: Phase, progress: _Progress) -> dict[str, list[Step]]:
    lanes: dict[str, list[Step]] = {}
    for step in phase.steps:
        if step.target not in progress.failed:
            lanes.setdefault(step.target, []).append(_told_truly(step, plan, progress))
    return lanes


def _pushes(steps: Sequence[Step]) -> bool:
    return any(isinstance(step, Push) for step in steps)


def _told_truly(step: Step, plan: Plan, progress: _Progress) -> Step:
    """Say of targets that failed what they serve, not what they should."""
    failed = set(progress.failed)
    if not (failed or progress.drained) or not isinstance(step, Route | Share | Finish):
        return step
    live = {name: number for name, number in step.live.items() if name not in failed}
    live |= {name: number for name, number in progress.serving.items() if name in failed}
    drained = tuple(sorted(progress.drained))
    if isinstance(step, Share):
        shares = {name: part for name, part in step.shares.items() if name not in failed}
        return step.model_copy(update={"live": live, "drained": drained, "shares": shares})
    if isinstance(step, Route):
        return step.model_copy(update={"live": live, "drained": drained})
    everywhere = failed >= {part.target for part in plan.bundle.targets}
    return step.model_copy(update={"live": live, "verified": None if everywhere else step.verified})


def _timeouts(plan: Plan, lanes: Mapping[str, Sequence[Step]]) -> dict[str, float]:
    """A target may take its own time-out for a phase, and what it was asked to soak."""
    seconds = {part.target: part.timeout_seconds for part in plan.bundle.targets}
    longest = max(seconds.values())
    return {
        name: seconds.get(name, longest)
        + _MARGIN_SECONDS
        + sum(getattr(step, "seconds", 0.0) for step in steps)
        for name, steps in lanes.items()
    }
