"""Carries plans out: one engine for deploy, rollback, undo and resume."""

from deployer.execution.checkup import check_session
from deployer.execution.compare import ObjectDiff, TargetDiff, diff_plan, find_drift
from deployer.execution.context import Context
from deployer.execution.destroy import Destroyed, destroy, find_belongings
from deployer.execution.events import Event, Tell, Waiting
from deployer.execution.operations import deploy, make_plan, roll_back
from deployer.execution.run import RunResult, run_plan, who
from deployer.execution.session import Session
from deployer.execution.signer import find_signer

__all__ = [
    "Context",
    "Destroyed",
    "Event",
    "ObjectDiff",
    "RunResult",
    "Session",
    "TargetDiff",
    "Tell",
    "Waiting",
    "check_session",
    "deploy",
    "destroy",
    "diff_plan",
    "find_belongings",
    "find_drift",
    "find_signer",
    "make_plan",
    "roll_back",
    "run_plan",
    "who",
]
