"""Whether a month keeps within its budget; what cannot be priced has not been shown to."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from deployer.cost.change import PlanCost, TargetChange
from deployer.cost.component import CURRENCY, known_sum
from deployer.spec.costs import Budget, Limit
from deployer.values import Money

__all__ = ["BudgetVerdict", "State", "judge_budget"]

State = Literal["within", "exceeded", "unknown", "no-baseline"]


@dataclass(frozen=True, slots=True)
class BudgetVerdict:
    """One limit and how a plan stands to it.

    Attributes:
        target: Whose limit; empty for all targets together.
        limit: In words, as the spec has it.
        state: ``unknown`` when what is known is within, but something is not known; ``no-baseline``
            when nothing is live that an increase could be measured against.
        reason: The figures, in words.
        deny: Whether a plan that does not keep within it may run.
    """

    target: str
    limit: str
    state: State
    reason: str
    deny: bool

    @property
    def refuses(self) -> bool:
        """Whether the plan must not run: above the limit, or not shown to be within."""
        return self.deny and self.state in ("exceeded", "unknown")


@dataclass(frozen=True, slots=True)
class _Bill:
    """What is judged: today's bill and tomorrow's, each perhaps in part."""

    before: Money
    after: Money
    partial_before: bool
    partial: bool


def judge_budget(budget: Budget, cost: PlanCost) -> tuple[BudgetVerdict, ...]:
    """Hold every limit of ``budget`` against the bill after the plan.

    Judged is the bill at the least replicas, with surge, failover and egress as they are assumed.
    """
    whole = _Bill(cost.before, cost.after, cost.partial_before, cost.partial)
    verdicts = [*_judge("", budget, whole, deny=budget.on_exceed == "deny")]
    for name, limit in sorted(budget.targets.items()):
        found = next((change for change in cost.targets if change.target == name), None)
        bill = _bill_of(found, left_out=name in cost.left_out)
        verdicts += _judge(name, limit, bill, deny=budget.on_exceed == "deny")
    return tuple(verdicts)


def _bill_of(change: TargetChange | None, *, left_out: bool) -> _Bill:
    before = change.before if change else None
    after = change.after if change else None
    return _Bill(
        before=known_sum(before.bill if before else ()),
        after=known_sum(after.bill if after else ()),
        partial_before=left_out or bool(before and before.partial),
        partial=after is None or after.partial,
    )


def _judge(target: str, limit: Limit, bill: _Bill, *, deny: bool) -> Iterator[BudgetVerdict]:
    if limit.monthly is not None:
        words = f"{limit.monthly.amount:,.2f} {limit.monthly.currency} a month"
        most = limit.monthly.amount
        state: State = "unknown" if bill.partial else "within"
        if bill.after.amount > most:
            state = "exceeded"
        yield BudgetVerdict(target, words, state, _words(bill), deny)
    if limit.increase_share is not None:
        yield _judge_increase(target, limit, bill, deny=deny)


def _judge_increase(target: str, limit: Limit, bill: _Bill, *, deny: bool) -> BudgetVerdict:
    words = f"{limit.increase} dearer than what is live"
    if bill.partial or bill.partial_before:
        reason = f"{_words(bill)}; the change cannot be told while either is partial"
        return BudgetVerdict(target, words, "unknown", reason, deny)
    if not bill.before.amount:
        reason = f"{_words(bill)}; nothing is live to compare with"
        return BudgetVerdict(target, words, "no-baseline", reason, deny)
    share = bill.after.amount / bill.before.amount - 1
    exceeded = share > (limit.increase_share or Decimal(0))
    reason = f"{_words(bill)}: {100 * share:+.1f} % against {bill.before.amount:,.2f} {CURRENCY}"
    return BudgetVerdict(target, words, "exceeded" if exceeded else "within", reason, deny)


def _words(bill: _Bill) -> str:
    unknown = " + unknown" if bill.partial else ""
    return f"{bill.after.amount:,.2f} {CURRENCY}{unknown} a month"
