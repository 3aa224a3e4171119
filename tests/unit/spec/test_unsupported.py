from collections.abc import Callable

import pytest

from deployer.spec import Spec

Load = Callable[..., Spec]
Faults = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("strategy: {type: canary}", "strategy.type: not implemented yet: type: canary; use blue"),
        ("strategy: {steps: [5, 50]}", "strategy.steps: not implemented yet: steps"),
        ("gates: {analysis: {errors: 0.1}}", "gates.analysis: not implemented yet"),
    ],
)
def test_what_is_not_implemented_is_refused_by_name(
    faults: Faults, small: str, more: str, message: str
) -> None:
    [line] = faults(f"{small}{more}\n")
    assert message in line
    assert "meanwhile" in line


@pytest.mark.parametrize(
    "more",
    [
        "strategy: {type: blue-green, steps: [], hold: 1m, history: 0}",
        "strategy: {type: rolling, max_unavailable: 25%, max_surge: 0}",
        "service: {replicas: {min: 3, max: 3}}",
        "outcome: all",
        "outcome: keep-going",
        "outcome: {quorum: 1}",
        "budget: ~",
    ],
)
def test_what_says_nothing_new_is_accepted(load: Load, small: str, more: str) -> None:
    load(f"{small}{more}\n")
