"""What the steps do that make a release prove itself: smoke, ask, evaluate, compare."""

from typing import assert_never

from deployer.errors import RolloutError
from deployer.execution.asking import Asker, ReleaseAnswers, ask_release
from deployer.execution.context import Context
from deployer.execution.judging import Champion, judge_parity, judge_quality
from deployer.execution.smoke import run_smoke
from deployer.plan.model import Ask, Evaluate, Parity, Smoke
from deployer.retry import Backoff, retry_transient

__all__ = ["run_gate_step"]


def run_gate_step(step: Smoke | Ask | Evaluate | Parity, context: Context) -> str:
    """Do the step; return in a few words what came of it.

    Raises:
        RolloutError: The release did not pass.
        TransientError: No pod of it answered.
    """
    match step:
        case Smoke():
            verdict = _smoke(step, context)
        case Ask():
            return _ask(step, context)
        case Evaluate():
            verdict = _evaluate(step, context)
        case Parity():
            verdict = _compare(step, context)
        case _:
            assert_never(step)
    context.record(step.kind, step.target, verdict)
    return verdict


def _smoke(step: Smoke, context: Context) -> str:
    part, cluster = (
        context.part(step.target, step.release),
        context.provider(step.target).cluster,
    )
    smoke = context.bundle(step.release).gates.smoke
    return retry_transient(
        lambda: run_smoke(cluster, part, smoke, step.release),
        clock=context.clock,
        backoff=Backoff(budget_seconds=15.0),
    )


def _ask(step: Ask, context: Context) -> str:
    gates = context.bundle(step.release).gates
    answers = ask_release(_asker(step.target, step.release, context), gates, step.release)
    context.answers[step.target] = answers
    return f"{len(answers.values)} answers"


def _evaluate(step: Evaluate, context: Context) -> str:
    gate = context.bundle(step.release).gates.evaluate
    predictions = _answers(step, context).predictions
    if gate is None or predictions is None:
        raise _unasked(step)
    champion = (
        Champion(step.champion, _asker(step.target, step.champion, context))
        if step.champion is not None
        else None
    )
    return judge_quality(step.target, step.release, gate, predictions, champion)


def _compare(step: Parity, context: Context) -> str:
    gate = context.bundle(step.release).gates.parity
    if gate is None:
        raise _unasked(step)
    _answers(step, context)
    said = {target: answers.values for target, answers in context.answers.items()}
    return judge_parity(step.target, step.release, gate, said)


def _answers(step: Evaluate | Parity, context: Context) -> ReleaseAnswers:
    if step.target not in context.answers:
        raise _unasked(step)
    return context.answers[step.target]


def _unasked(step: Evaluate | Parity) -> RolloutError:
    return RolloutError(
        f"{step.target}: {step.kind}: release {step.release} was not asked", release=step.release
    )


def _asker(target: str, release: int, context: Context) -> Asker:
    bundle = context.bundle(release)
    return Asker(
        context.provider(target).cluster,
        context.part(target, release),
        context.clock,
        context.check,
        bundle.gates.smoke.timeout_seconds,
    )
