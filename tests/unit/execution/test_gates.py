"""What the files say that gates name is checked before anything is touched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import DeployerError, SourceError, SpecError
from deployer.execution.gates import load_gates
from deployer.release.gates import GatesRecord
from deployer.spec import load_spec

Load = Callable[..., GatesRecord]
SPEC = """\
name: iris
model: {path: ./model}
targets: [{name: here, provider: local, store: "file:///srv/models", cluster: {local: ./c}}]
"""


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(gates: str, *, rows: str = "x,y\n1,0\n2,1\n", more: str = "") -> GatesRecord:
        (tmp_path / "h.csv").write_text(rows)
        file = tmp_path / "deployer.yaml"
        file.write_text(f"{SPEC}gates: {gates}\n{more}")
        return load_gates(load_spec(file, environment={}))

    return load


def evaluate(*words: str) -> str:
    return f"{{evaluate: {{dataset: h.csv, {', '.join(words)}}}}}"


def test_a_gate_is_recorded_with_its_rows_and_survives_being_written_down(load: Load) -> None:
    gates = load(
        "{evaluate: {dataset: h.csv, label: x, task: regression, thresholds: {mae: 1}}, parity: {}}"
    )
    assert gates.evaluate is not None
    assert gates.evaluate.holdout.labels == (1, 2)
    assert gates.evaluate.holdout.rows == ((0.0,), (1.0,))
    assert gates.parity is not None
    assert GatesRecord.model_validate_json(gates.model_dump_json()) == gates


def test_words_and_numbers_stay_what_they_are_in_the_record(load: Load) -> None:
    for rows, labels in (("x,y\n1,a\n2,7\n", ("a", "7")), ("x,y\n1,0\n2,1\n", (0, 1))):
        gates = load(evaluate("thresholds: {accuracy: 0.5}"), rows=rows)
        again = GatesRecord.model_validate_json(gates.model_dump_json())
        assert again.evaluate is not None
        assert again.evaluate.holdout.labels == labels


def test_without_gates_there_is_the_smoke_gate_alone(load: Load) -> None:
    assert load("{}") == GatesRecord()


@pytest.mark.parametrize(
    ("gates", "changes", "error", "said"),
    [
        (
            evaluate("thresholds: {f1: 0.9}"),
            {},
            SpecError,
            r"evaluate\.thresholds: there is no metric 'f1'; there are accuracy, .*roc_auc,",
        ),
        (
            evaluate("task: regression", "champion: {accuracy: 0}"),
            {},
            SpecError,
            r"evaluate\.champion: there is no metric 'accuracy'; there are mae, rmse, r2",
        ),
        (
            evaluate("thresholds: {accuracy: 1}", "label: z"),
            {},
            SourceError,
            "there is no column 'z'",
        ),
        (
            evaluate("thresholds: {accuracy: 1}"),
            {"rows": "x,y\nnan,1\n"},
            SourceError,
            "line 2: x: expected a finite number, got 'nan'",
        ),
        (
            evaluate("thresholds: {accuracy: 1}"),
            {"rows": "x,y\n" + "1,0\n" * (2 * 1024**2)},
            SourceError,
            "8.0 MiB are too much for a gate",
        ),
        (
            evaluate("thresholds: {accuracy: 1}"),
            {"more": "runtime: {image: own, port: 80, protocol: custom}\n"},
            SpecError,
            "Open Inference Protocol v2, and this runtime speaks custom",
        ),
        (
            "{evaluate: {dataset: gone.csv, thresholds: {accuracy: 1}}}",
            {},
            SourceError,
            "gone.csv: the hold-out set cannot be read",
        ),
    ],
)
def test_what_a_gate_cannot_use_is_refused_by_name(
    load: Load, gates: str, changes: Any, error: type[DeployerError], said: str
) -> None:
    with pytest.raises(error, match=said):
        load(gates, **changes)
