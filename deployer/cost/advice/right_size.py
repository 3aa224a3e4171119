"""Asking for what is used: a percentile of the processors, the most of the memory, and headroom."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

from deployer.cost.advice.advice import Advice, Case, Confidence, Rules, Silence, say_percent
from deployer.cost.component import known_sum
from deployer.cost.machine import price_nodes, price_requests
from deployer.cost.samples import Sample
from deployer.cost.sizing import Size
from deployer.values import Money

__all__ = ["advise_size", "take_percentile"]

_CPU_STEP = Decimal("0.05")
_MEMORY_STEP = Decimal("0.0625")
"""Amounts are rounded up to 50m and 64Mi: finer is not meant seriously."""

_LEAST_TIME = timedelta(days=1)
_LEAST_SAMPLES = 24
_CONFIDENCE: Sequence[tuple[timedelta, Confidence]] = (
    (timedelta(days=14), "high"),
    (timedelta(days=7), "medium"),
)
"""Two weeks hold each weekday twice; less than one does not hold each."""


def advise_size(case: Case, samples: Sequence[Sample], rules: Rules) -> Advice | Silence:
    """Propose what each replica should ask for.

    The bill falls only when fewer machines hold the replicas then; else others on the cluster could
    use what is freed, and that is told apart.
    """
    used = [it for it in samples if it.used is not None and it.replicas]
    reason = _refuse(case, used)
    if reason:
        return Silence("right-size", case.target, reason)
    now, wanted = case.machine.replica, _want(used, rules)
    new = Size(min(now.vcpu, wanted.vcpu), min(now.memory_gib, wanted.memory_gib), now.gpus)
    if new == now:
        return Silence("right-size", case.target, _explain(now, wanted))
    return _advise(case, new, wanted, used, rules)


def take_percentile(values: Sequence[Decimal], percentile: int) -> Decimal:
    """Return the smallest value that this many of a hundred do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-percentile * len(ordered) // 100)
    return ordered[max(rank, 1) - 1]


def _refuse(case: Case, used: Sequence[Sample]) -> str:
    if case.machine.fault:
        return case.machine.fault
    if len(used) < _LEAST_SAMPLES or used[-1].at - used[0].at < _LEAST_TIME:
        return (
            f"use was seen {len(used)} times; at least {_LEAST_SAMPLES} over a day are needed "
            "(--samples, with cpu_used and memory_gib_used)"
        )
    return ""


def _want(used: Sequence[Sample], rules: Rules) -> Size:
    each = [
        Size(it.used.vcpu / it.replicas, it.used.memory_gib / it.replicas)
        for it in used
        if it.used is not None and it.replicas
    ]
    factor = 1 + rules.headroom
    cpu = take_percentile([it.vcpu for it in each], rules.percentile) * factor
    memory = max(it.memory_gib for it in each) * factor
    return Size(_round_up(cpu, _CPU_STEP), _round_up(memory, _MEMORY_STEP))


def _round_up(amount: Decimal, step: Decimal) -> Decimal:
    return max((amount / step).to_integral_value(ROUND_CEILING), Decimal(1)) * step


def _explain(now: Size, wanted: Size) -> str:
    short = [
        words
        for words, has, wants in (
            (f"cpu {_cpu(wanted)}", now.vcpu, wanted.vcpu),
            (f"memory {_memory(wanted)}", now.memory_gib, wanted.memory_gib),
        )
        if wants > has
    ]
    if short:
        return f"it uses more than it asks for; raise {' and '.join(short)}, which saves nothing"
    return "what it asks for fits what it uses"


def _advise(case: Case, new: Size, wanted: Size, used: Sequence[Sample], rules: Rules) -> Advice:
    replicas = case.estimate.replicas
    smaller = replace(case.machine, replica=new)
    (nodes, bill), (fewer, less) = (price_nodes(it, replicas) for it in (case.machine, smaller))
    before, after = price_requests(case.machine, replicas), price_requests(smaller, replicas)
    saving = known_sum([bill]).amount - known_sum([less]).amount
    days = used[-1].at - used[0].at
    falls = f"{nodes} machines become {fewer}" if saving else "no machine falls away"
    return Advice(
        kind="right-size",
        target=case.target,
        do=f"ask for cpu {_cpu(new)} and memory {_memory(new)} a replica"
        f" instead of {_cpu(case.machine.replica)} and {_memory(case.machine.replica)}",
        why=f"{len(used):,} looks in {days.total_seconds() / 86400:.0f} days: p{rules.percentile} "
        f"of cpu and the most of memory, {say_percent(rules.headroom)} on top; {falls}",
        saving=Money(saving, case.estimate.known.currency),
        allocated=Money(known_sum([before]).amount - known_sum([after]).amount),
        confidence=next((word for least, word in _CONFIDENCE if days >= least), "low"),
        touches=frozenset((f"{case.target} machines",)),
        changes=(
            "peaks between two looks, or a season that was not seen",
            *([_explain(case.machine.replica, wanted)] if _is_short(case, wanted) else ()),
        ),
    )


def _is_short(case: Case, wanted: Size) -> bool:
    now = case.machine.replica
    return wanted.vcpu > now.vcpu or wanted.memory_gib > now.memory_gib


def _cpu(size: Size) -> str:
    return f"{(size.vcpu * 1000).normalize():f}m"


def _memory(size: Size) -> str:
    return f"{(size.memory_gib * 1024).normalize():f}Mi"
