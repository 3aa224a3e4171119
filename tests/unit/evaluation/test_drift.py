import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from typer.testing import CliRunner

from deployer.cli.app import app
from deployer.errors import SourceError
from deployer.evaluation.drift import Shift, compare_inputs, measure_psi
from deployer.evaluation.inputs import Inputs, load_inputs

RNG = np.random.default_rng(7)
NORMAL = RNG.normal(size=4000)


def inputs(**columns: np.ndarray) -> Inputs:
    return Inputs(len(next(iter(columns.values()))), columns)


def test_the_index_is_what_one_computes_by_hand() -> None:
    """(0.25 - 0.5) ln(0.25/0.5) + (0.75 - 0.5) ln(0.75/0.5) = 0.1733 + 0.1014 = 0.2747."""
    then, now = np.repeat([0.0, 1.0], [50, 50]), np.repeat([0.0, 1.0], [25, 75])
    assert measure_psi(then, now) == pytest.approx(0.2747, abs=1e-4)


def test_tenths_of_the_training_rows_are_the_bins() -> None:
    """All now in the upper half: five bins of 0.1 become 0.2, five become 0.0001.

    5 (0.2 - 0.1) ln 2 + 5 (0.0001 - 0.1) ln 0.001 = 0.3466 + 3.4504 = 3.7970.
    """
    then = np.arange(1000.0)
    assert measure_psi(then, then[500:]) == pytest.approx(3.7970, abs=2e-3)


@settings(max_examples=30)
@given(st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=60))
def test_nothing_has_drifted_from_itself_and_the_index_is_never_negative(
    values: list[float],
) -> None:
    then = np.asarray(values)
    assert measure_psi(then, then) == pytest.approx(0.0, abs=1e-12)
    assert measure_psi(then, then[: len(then) // 2 + 1]) >= 0


def test_a_feature_that_moved_is_told_from_one_that_did_not() -> None:
    live = RNG.normal(size=4000)
    found = compare_inputs(
        inputs(age=NORMAL, income=NORMAL, rate=NORMAL),
        inputs(age=live, income=live + 1.0, rate=live + 0.4),
    )
    age, income, rate = found.features
    assert (age.shift, income.shift, rate.shift) == (Shift.STEADY, Shift.DRIFTED, Shift.WATCH)
    assert found.shift is Shift.DRIFTED
    expected = ks_2samp(NORMAL, live + 1.0)
    assert (income.statistic, income.p_value) == (expected.statistic, expected.pvalue)


def test_too_few_rows_say_nothing() -> None:
    (found,) = compare_inputs(inputs(age=NORMAL), inputs(age=NORMAL[:50] + 9)).features
    assert (found.shift, found.psi) == (Shift.UNKNOWN, None)
    assert found.reason == "4000 and 50 values are too few: chance alone makes 0.18"
    (empty,) = compare_inputs(inputs(age=NORMAL), inputs(age=np.full(9, np.nan))).features
    assert (empty.shift, empty.reason) == (Shift.DRIFTED, "no values at all")


def test_values_that_go_missing_are_drift() -> None:
    live = RNG.normal(size=4000)
    live[:400] = np.nan
    (found,) = compare_inputs(inputs(age=NORMAL), inputs(age=live)).features
    assert (found.shift, found.missing) == (Shift.DRIFTED, (0.0, 0.1))
    assert found.reason == "more values are missing than before"


def test_a_value_that_was_never_seen_in_training_counts() -> None:
    then = np.repeat([0.0, 1.0], 500)
    now = np.repeat([0.0, 1.0, 2.0], [300, 300, 400])
    (found,) = compare_inputs(inputs(kind=then), inputs(kind=now)).features
    assert found.shift is Shift.DRIFTED


def test_columns_are_matched_by_name_and_what_is_lacking_is_named() -> None:
    profile = inputs(age=NORMAL, label=NORMAL)
    with pytest.raises(SourceError, match="the live inputs lack label"):
        compare_inputs(profile, inputs(age=NORMAL))
    found = compare_inputs(profile, inputs(more=NORMAL, age=NORMAL), ignore=["label"])
    assert ([it.name for it in found.features], found.extra) == (["age"], ("more",))
    with pytest.raises(SourceError, match="no inputs are left"):
        compare_inputs(profile, profile, ignore=["age", "label"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,red\n", "line 2: b: expected a number, got 'red'"),
        ("a,b\n1\n", "line 2: 1 cells, 2 columns"),
        ("a,a\n1,2\n", "a header of different names"),
        ("a,b\n", "a header of different names, and rows"),
        ("a\ninf\n", "expected a number, got 'inf'"),
    ],
)
def test_inputs_that_are_no_numbers_are_named_with_their_line(
    tmp_path: Path, text: str, why: str
) -> None:
    file = tmp_path / "live.csv"
    file.write_text(text)
    with pytest.raises(SourceError) as caught:
        load_inputs(file)
    assert why in str(caught.value)


def test_the_command_shows_every_feature_and_its_exit_code_says_the_worst(tmp_path: Path) -> None:
    train, live = tmp_path / "train.csv", tmp_path / "live.csv"
    train.write_text("age,kind\n" + "".join(f"{value},0\n" for value in NORMAL))
    live.write_text("age\n" + "".join(f"{value + 2}\n" for value in NORMAL[:2000]) + "NaN\n")
    run = CliRunner().invoke
    shown = run(app, ["report", "inputs", str(train), str(live), "--ignore", "kind"])
    assert shown.exit_code == 1
    assert "drifted: 1 of 1 feature drifted; 2,001 rows now, 4,000 in training" in shown.stdout
    told = run(app, ["report", "inputs", str(train), str(live), "--ignore", "kind", "-o", "json"])
    document = json.loads(told.stdout)
    assert (document["schema"], document["verdict"]) == ("deployer/inputs/v1", "drifted")
    assert document["features"][0]["missing_now"] == pytest.approx(1 / 2001)
    lacking = run(app, ["report", "inputs", str(train), str(live)])
    assert (lacking.exit_code, "lack kind" in lacking.stderr) == (4, True)
