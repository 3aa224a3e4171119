from collections.abc import Callable

import pytest

from deployer.spec import Spec

Load = Callable[..., Spec]
Faults = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ("{evaluate: {dataset: h.csv}}", "without thresholds and champion every release would"),
        ("{parity: {}}", "gates.parity: there is nothing to ask: give smoke.requests or"),
        ("{parity: {tolerance: -1}, smoke: {requests: r.json}}", "gates.parity.tolerance"),
        ("{parity: {differ: 2}, smoke: {requests: r.json}}", "gates.parity.differ"),
        ("{evaluate: {dataset: h.csv, champion: {f1_macro: -1}}}", "champion.f1_macro"),
        ("{evaluate: {dataset: h.csv, tresholds: {f1_macro: 1}}}", "thresholds"),
    ],
)
def test_a_gate_that_cannot_refuse_or_cannot_ask_is_a_fault(
    faults: Faults, small: str, gates: str, message: str
) -> None:
    assert any(message in line for line in faults(f"{small}gates: {gates}\n"))


def test_a_rolling_release_cannot_meet_the_one_it_replaces(faults: Faults, small: str) -> None:
    gates = "gates: {evaluate: {dataset: h.csv, champion: {f1_macro: 0.02}}}\n"
    [line] = faults(f"{small}strategy: {{type: rolling}}\n{gates}")
    assert "gates.evaluate.champion: with type: rolling the live release is gone" in line


def test_parity_takes_its_inputs_from_either_other_gate(load: Load, small: str) -> None:
    for other in ("smoke: {requests: r.json}", "evaluate: {dataset: h.csv, champion: {f1: 0}}"):
        parity = load(f"{small}gates: {{parity: {{}}, {other}}}\n").gates.parity
        assert parity is not None
        assert (parity.tolerance, parity.differ) == (1e-6, 0.0)
