"""Deploy and roll back: lease, recovery, snapshot, plan, run; in this order, under one lease."""

from dataclasses import replace

from deployer.artifact import Artifact, read_mlmodel, screen_pickles, screen_signature
from deployer.errors import PlanMovedError, SourceError
from deployer.execution.checkup import check_session
from deployer.execution.context import Context
from deployer.execution.events import Tell
from deployer.execution.recover import find_unfinished, recover
from deployer.execution.run import RunResult, run_plan
from deployer.execution.session import Session
from deployer.execution.signer import find_signer
from deployer.plan import (
    Plan,
    build_plan,
    build_rollback,
    content_of,
    demand_few_deletions,
    demand_within_budget,
    deploy_inputs,
)
from deployer.preflight import refuse_errors
from deployer.release.history import rollback_number
from deployer.release.journal import Journal
from deployer.release.records import Head, RunRecord
from deployer.spec import Spec, settle_format
from deployer.values import Digest

__all__ = ["deploy", "make_plan", "roll_back"]

_LOOK_SECONDS = 15.0


def make_plan(
    session: Session,
    artifact: Artifact,
    *,
    quarantined: int | None = None,
    max_deletions: int | None = None,
) -> Plan:
    """Return what a deploy would do now. Reads everything, writes nothing.

    Args:
        max_deletions: How many objects of one target it may delete; None for any number.

    Raises:
        SpecError: The runtime cannot serve these files.
        IntegrityError, SourceError: The model is not fit to be deployed: see `read_mlmodel`,
            `screen_pickles` and `screen_signature`.
        SetupError: A cluster lacks something, or does not let us do what a deploy does.
        RolloutError: It would delete more than it may.
    """
    model_format = settle_format(session.spec, [file.path for file in artifact.files])
    _screen_model(session.spec, artifact, model_format)
    refuse_errors(check_session(session, thorough=False, timeout_seconds=_LOOK_SECONDS))
    plan = build_plan(
        session.spec,
        artifact,
        session.snapshot(artifact.digest),
        gates=session.gates(),
        tool=session.tool,
        quarantined=quarantined,
    )
    if max_deletions is not None:
        demand_few_deletions(plan, max_deletions)
    return plan


def _screen_model(spec: Spec, artifact: Artifact, model_format: str | None) -> None:
    found = read_mlmodel(artifact)
    named = model_format == "mlflow" and isinstance(spec.runtime, str)
    if found is not None and named and not found.served:
        raise SourceError(
            f"the MLflow model has no flavour python_function, which {spec.runtime} loads; it has "
            f"{', '.join(found.flavors)}"
        )
    if spec.model.scan is not None:
        screen_pickles(artifact)
    required = spec.model.signature is not None
    screen_signature(spec.locate(spec.model.path), find_signer(spec), required=required)


def deploy(
    session: Session,
    artifact: Artifact,
    *,
    tell: Tell,
    saved: Plan | None = None,
    quarantined: int | None = None,
    max_deletions: int | None = None,
    takeover: bool = False,
) -> RunResult | None:
    """Make the spec live everywhere; return None when it is already.

    Args:
        saved: A plan that was shown before: refused when anything it was made from has moved (G5).

    Raises:
        RolloutError, LeaseHeldError, StateError, PlanMovedError: As their names say.
        SpecError: The runtime cannot serve these files; nothing was touched.
        BudgetError: A month of it costs more than the spec allows; nothing was touched.
    """
    settle_format(session.spec, [file.path for file in artifact.files])
    inputs = deploy_inputs(content_of(session.spec, artifact, session.gates()))
    with session.hold_lease(tell, source=artifact, takeover=takeover) as context:
        unfinished = find_unfinished(session.state)
        ended = _recover(session, context, unfinished, inputs)
        if ended is not None and unfinished is not None and unfinished.inputs == inputs:
            return ended
        plan = make_plan(session, artifact, quarantined=quarantined, max_deletions=max_deletions)
        demand_within_budget(plan)
        if saved is not None:
            _demand_unmoved(saved, plan)
        return None if plan.nothing_to_do else run_plan(saved or plan, context)


def roll_back(
    session: Session, *, tell: Tell, to: int | None = None, takeover: bool = False
) -> RunResult | None:
    """Bring back a release that is recorded as verified; return None when it is live already.

    A deploy that never finished is undone first, and without ``to`` that is all: what was live
    before it is live again. A rollback that never finished is gone on with.
    """
    with session.hold_lease(tell, source=None, takeover=takeover) as context:
        unfinished = find_unfinished(session.state)
        ended = _recover(session, context, unfinished, None)
        head = session.state.read_head() or Head(name=session.spec.name)
        if unfinished is not None and to in (None, head.desired):
            return ended or RunResult(head.desired or 0, 0.0)
        bundle = session.state.read_release(rollback_number(head, to))
        snapshot = session.snapshot(Digest.parse(bundle.artifact.digest))
        plan = build_rollback(bundle, snapshot)
        return None if plan.nothing_to_do else run_plan(plan, context)


def _recover(
    session: Session, context: Context, run: RunRecord | None, inputs: str | None
) -> RunResult | None:
    session.state.repair()
    if run is None:
        return None
    journal = Journal(session.state, run.id, context.lease.token, session.clock)
    return recover(run, replace(context, journal=journal), inputs=inputs)


def _demand_unmoved(saved: Plan, now: Plan) -> None:
    if saved.name != now.name or saved.inputs != now.inputs:
        raise PlanMovedError(
            f"the saved plan of {saved.name} was made from another model or spec",
            hint="Make a new one: deployer plan --save FILE",
        )
    if saved.fingerprint != now.fingerprint:
        raise PlanMovedError(
            f"what the saved plan of {saved.name} was made from has changed since: the record or "
            "an object on a cluster",
            hint="Nothing was changed. Look at the new plan: deployer plan --save FILE",
        )
