"""From a spec and a snapshot to typed steps. Pure: no I/O, no clock."""

from deployer.plan.budget import demand_within_budget
from deployer.plan.build import (
    build_plan,
    build_rollback,
    deploy_inputs,
    fingerprint_of,
    rollback_inputs,
)
from deployer.plan.bundle import content_of
from deployer.plan.changes import demand_few_deletions
from deployer.plan.model import Plan
from deployer.plan.undo import Reached, build_put_back, build_undo

__all__ = [
    "Plan",
    "Reached",
    "build_plan",
    "build_put_back",
    "build_rollback",
    "build_undo",
    "content_of",
    "demand_few_deletions",
    "demand_within_budget",
    "deploy_inputs",
    "fingerprint_of",
    "rollback_inputs",
]
