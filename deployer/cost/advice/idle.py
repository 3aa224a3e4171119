"""Targets that nobody asks anything."""

from collections.abc import Sequence
from datetime import timedelta

from deployer.cost.advice.advice import Advice, Case, Silence
from deployer.cost.load import share_of_traffic
from deployer.cost.samples import Sample, Samples
from deployer.cost.timeline import Timeline

__all__ = ["advise_idle"]

_LEAST_TIME = timedelta(days=7)
"""A week: what is asked on one weekday only is not idle."""


def advise_idle(case: Case, samples: Sequence[Sample]) -> Advice | Silence:
    """Propose to take a target away that answered nothing for a week.

    A standby is idle on purpose: that is a blocker. The only target of a release is never idle.
    """
    counted = [it for it in samples if it.predictions is not None]
    reason = _refuse(case, counted)
    if reason:
        return Silence("idle", case.target, reason)
    days = (counted[-1].at - counted[0].at).days
    standby = _standby(case)
    return Advice(
        kind="idle",
        target=case.target,
        do="take it out of the spec, or scale it to nothing",
        why=f"it answered nothing in {days} days",
        saving=case.estimate.known,
        allocated=case.estimate.known * 0,
        confidence="medium" if not case.estimate.partial else "low",
        touches=frozenset((f"{case.target} machines", f"{case.target} rest")),
        changes=("traffic that is still to come", "a cluster that others use stays on the bill"),
        blockers=(f"standby: {standby}, so it is there for a failover",) if standby else (),
    )


def _refuse(case: Case, counted: Sequence[Sample]) -> str:
    if len(case.bundle.targets) == 1:
        return "it is the only target"
    if not counted:
        return "nobody counted its answers (deployer report sample --router, then --samples)"
    began, ended = counted[0].at, counted[-1].at
    if ended - began < _LEAST_TIME:
        return "its answers were counted for less than a week"
    seen = Samples.collect(counted)
    [columns] = seen.columns.values()
    tally = Timeline(seen.looks, columns).count_answers(began, ended + timedelta(seconds=1))
    return f"it answered {tally.predictions:,} predictions" if tally.predictions else ""


def _standby(case: Case) -> str:
    tier = case.bundle.routing.tiers.get(case.target, 0)
    if tier:
        return f"it is of tier {tier}"
    return "" if share_of_traffic(case.bundle, case.target) else "it has no weight"
