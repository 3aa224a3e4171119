"""What goes together in ``gates``; like all checks, read off the data as the user wrote it."""

from collections.abc import Iterator, Mapping

from deployer.spec.analysis import check_analysis
from deployer.spec.tree import Finding, dig
from deployer.values import Json

__all__ = ["check_gates"]


def check_gates(data: Json) -> Iterator[Finding]:
    """Yield gates that could never refuse anything, and those that this strategy cannot ask."""
    yield from check_analysis(data)
    gates = dig(data, "gates")
    if not isinstance(gates, dict):
        return
    evaluate = gates.get("evaluate")
    if isinstance(evaluate, dict):
        yield from _check_evaluate(evaluate, dig(data, "strategy", "type"))
    elif isinstance(gates.get("parity"), dict) and not dig(gates, "smoke", "requests"):
        message = "there is nothing to ask: give smoke.requests or evaluate.dataset"
        yield Finding(("gates", "parity"), message, on_key=True)


def _check_evaluate(evaluate: Mapping[str, Json], strategy: Json) -> Iterator[Finding]:
    if not evaluate.get("thresholds") and not evaluate.get("champion"):
        message = "without thresholds and champion every release would pass"
        yield Finding(("gates", "evaluate"), message, on_key=True)
    if evaluate.get("champion") and strategy == "rolling":
        message = "with type: rolling the live release is gone when it would be asked"
        yield Finding(("gates", "evaluate", "champion"), message, on_key=True)
