"""A plan's canary in the terminal: its steps, what its way in costs, and who watches."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deployer.cli import output

if TYPE_CHECKING:
    from deployer.cost.component import Component
    from deployer.plan import Plan
    from deployer.plan.model import Hold

__all__ = ["list_canary_lines"]


def list_canary_lines(made: "Plan") -> Iterator[str]:
    """Yield what a deploy does before the shift; nothing where no release is a canary."""
    from deployer.plan.model import Hold

    holds = [step for phase in made.phases for step in phase.steps if isinstance(step, Hold)]
    if not holds:
        if made.bundle.canary is not None and made.phases:
            yield "canary: no target serves another release yet, so there is nothing to share"
        return
    yield _steps(holds)
    yield from _way_in(made)
    yield from _onlookers(made)


def _steps(holds: "list[Hold]") -> str:
    shares = {step.percent: step.seconds for step in holds}
    steps = ", ".join(f"{part} % for {output.format_duration(it)}" for part, it in shares.items())
    targets = ", ".join(dict.fromkeys(step.target for step in holds))
    total = output.format_duration(sum(shares.values()))
    return f"canary: {steps}, then all of it; {total} on {targets}"


def _way_in(made: "Plan") -> Iterator[str]:
    """Say what a second load balancer costs: a part of the month above."""
    found = list(_components(made))
    if not found:
        return
    from deployer.report.plan_cost import format_sum

    amount = format_sum([component for _, component in found])
    where = ", ".join(f"{target} {component.basis}" for target, component in found)
    yield f"  a load balancer of its own: {amount} USD of the month above ({where})"


def _components(made: "Plan") -> "Iterator[tuple[str, Component]]":
    for change in made.cost.targets if made.cost else ():
        for component in change.after.bill if change.after else ():
            if component.name == "canary":
                yield change.target, component


def _onlookers(made: "Plan") -> Iterator[str]:
    yield (
        "  only routers of deployer's share traffic out: whoever asks a target's own address gets "
        "the old release until the shift, and then the new one"
    )
    if made.bundle.gates.analysis is None:
        yield (
            "  without gates.analysis nobody looks at what users get: a step passes when the pods "
            "stay ready"
        )
