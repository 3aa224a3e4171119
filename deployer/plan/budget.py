"""The budget as a gate: a plan above it, or not shown to be within it, may not run."""

from deployer.errors import BudgetError
from deployer.plan.model import Plan

__all__ = ["demand_within_budget"]


def demand_within_budget(plan: Plan) -> None:
    """Refuse a plan that its budget denies; one that changes nothing is never refused.

    Raises:
        BudgetError: It does; nothing has been touched.
    """
    refused = [verdict for verdict in plan.budget if verdict.refuses]
    if plan.nothing_to_do or not refused:
        return
    told = "; ".join(
        f"{verdict.target or 'all targets'}: {verdict.reason}, and the limit is {verdict.limit}"
        for verdict in refused
    )
    unknown = all(verdict.state == "unknown" for verdict in refused)
    raise BudgetError(
        f"{plan.name}: the budget denies release {plan.release}: {told}",
        hint=_hint(unknown=unknown),
    )


def _hint(*, unknown: bool) -> str:
    if unknown:
        return (
            "Nothing was changed. An estimate that is partial has not been shown to be within it: "
            "deployer plan names what has no price, and `prices: FILE` in the spec takes yours."
        )
    return "Nothing was changed. deployer plan -o wide shows what costs how much."
