"""Carries plans out: one engine for deploy, rollback, undo and resume."""

from deployer.execution.context import Context
from deployer.execution.events import Event, Tell, Waiting
from deployer.execution.operations import deploy, make_plan, roll_back
from deployer.execution.run import RunResult, run_plan, who
from deployer.execution.session import Session

__all__ = [
    "Context",
    "Event",
    "RunResult",
    "Session",
    "Tell",
    "Waiting",
    "deploy",
    "make_plan",
    "roll_back",
    "run_plan",
    "who",
]
