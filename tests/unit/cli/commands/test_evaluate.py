"""Real scikit-learn models behind a Cluster that only takes calls."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from typer.testing import CliRunner

from deployer.cli.app import app
from deployer.cli.commands.evaluate import show_quality
from deployer.cli.options import Format
from deployer.errors import TransientError
from deployer.evaluation import Holdout, load_holdout
from deployer.evaluation.metrics import compare_answers, score_predictions
from deployer.ports import Cluster, HttpRequest, HttpResponse
from deployer.release.records import Head
from deployer.report.quality import Exam, load_answers

Maker = Callable[..., Any]
Capture = pytest.CaptureFixture[str]
FEATURES, LABELS = load_iris(return_X_y=True)
GOOD = LogisticRegression(max_iter=1000).fit(FEATURES[::2], LABELS[::2])
SWAPPED = {0: 0, 1: 2, 2: 1}


class ModelCluster:
    """Answers in the Open Inference Protocol v2 with a model's predictions."""

    def __init__(self, rename: Callable[[int], int] = lambda label: label) -> None:
        self.rename = rename

    def call(self, _service: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        assert timeout_seconds > 0
        (tensor,) = json.loads(request.body)["inputs"]
        rows, width = tensor["shape"]
        table = [tensor["data"][i * width : (i + 1) * width] for i in range(rows)]
        predicted = [self.rename(int(label)) for label in GOOD.predict(table)]
        probabilities = GOOD.predict_proba(table).ravel().tolist()
        outputs = [
            {"name": "predict", "data": predicted},
            {"name": "predict_proba", "data": probabilities},
        ]
        return HttpResponse(200, json.dumps({"outputs": outputs}).encode(), 0.002)


class SilentCluster:
    """Never reached."""

    def call(self, *_: object, **__: object) -> HttpResponse:
        raise TransientError("the cluster did not answer", operation="call", resource="iris")


@pytest.fixture
def holdout(tmp_path: Path) -> Holdout:
    rows = zip(FEATURES[1::2].tolist(), LABELS[1::2].tolist(), strict=True)
    lines = [",".join(map(str, [*row, label])) for row, label in rows]
    file = tmp_path / "holdout.csv"
    file.write_text("\n".join(["a,b,c,d,species", *lines]) + "\n")
    return load_holdout(file)


@pytest.fixture
def session(open_with: Maker, make_part: Maker, make_bundle: Maker) -> Maker:
    """Return an opener of release 3, live on the clusters named."""

    def open_session(**clusters: object) -> Any:
        bundle = make_bundle(3, *[make_part(name) for name in clusters])
        head = Head(name="iris", desired=3, live=dict.fromkeys(clusters, 3))
        return open_with(
            {name: cast(Cluster, it) for name, it in clusters.items()}, head, (bundle,)
        )

    return open_session


def exam(holdout: Holdout, **more: Any) -> Exam:
    return Exam(holdout, score_predictions, compare_answers, **more)


def test_the_metrics_are_scikit_learns_on_the_same_answers(
    session: Maker, holdout: Holdout, capsys: Capture
) -> None:
    opened = session(aws=ModelCluster(), gcp=ModelCluster())
    assert show_quality(opened, exam(holdout), Format.JSON, timeout_seconds=30) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "deployer/quality/v1"
    true, answered = LABELS[1::2], GOOD.predict(FEATURES[1::2])
    for target in document["targets"]:
        metrics = {name: score["value"] for name, score in target["metrics"].items()}
        assert target["answers"] == answered.tolist()
        assert metrics["accuracy"] == accuracy_score(true, answered)
        assert metrics["f1_macro"] == f1_score(true, answered, average="macro")
        assert metrics["roc_auc_ovr"] == pytest.approx(
            roc_auc_score(true, GOOD.predict_proba(FEATURES[1::2]), multi_class="ovr")
        )


def test_a_target_with_swapped_classes_is_caught(
    session: Maker, holdout: Holdout, capsys: Capture
) -> None:
    opened = session(aws=ModelCluster(), gcp=ModelCluster(SWAPPED.__getitem__))
    assert show_quality(opened, exam(holdout), Format.TABLE, timeout_seconds=30) == 1
    said = capsys.readouterr().out
    assert re.search(r"gcp: answers 6\d\.\d% of the rows differently from the first", said)
    assert said.count("rows are what is true") == 2, "two matrices, as they are not the same"


def test_a_target_that_is_silent_is_unknown_and_spoils_nobody(
    session: Maker, holdout: Holdout, capsys: Capture
) -> None:
    opened = session(aws=ModelCluster(), gcp=SilentCluster())
    assert show_quality(opened, exam(holdout), Format.TABLE, timeout_seconds=30) == 3
    said = capsys.readouterr().out
    assert "gcp: unknown: the cluster did not answer" in said
    assert re.search(r"^accuracy +0\.9\d+ \(0\.\d+ to \d\.\d+\)$", said, re.MULTILINE)
    assert "without looking at the input, accuracy is 0.3333 by majority class" in said


def test_latencies_are_those_of_requests_that_were_made(
    session: Maker, holdout: Holdout, capsys: Capture
) -> None:
    show_quality(session(aws=ModelCluster()), exam(holdout), Format.TABLE, timeout_seconds=30)
    said = capsys.readouterr().out
    for percent in (50, 95, 99):
        assert re.search(rf"^p{percent} of a request +2 ms$", said, re.MULTILINE)


def test_a_missed_threshold_is_told_and_fails(
    session: Maker, holdout: Holdout, capsys: Capture
) -> None:
    limits = {"f1_macro": 0.9999, "ece": 0.0, "accuracy": 0.5, "gini": 1.0}
    opened = session(aws=ModelCluster())
    assert (
        show_quality(opened, exam(holdout, at_least=limits), Format.TABLE, timeout_seconds=30) == 1
    )
    said = capsys.readouterr().out
    assert re.search(r"aws: missed: f1_macro is 0\.9\d+, below 0\.9999", said)
    assert re.search(r"aws: missed: ece is 0\.\d+, above 0", said)
    assert "aws: missed: there is no metric gini; there are accuracy, " in said
    assert "missed: accuracy" not in said


def test_a_new_model_is_compared_with_a_saved_one(
    session: Maker, holdout: Holdout, capsys: Capture, tmp_path: Path
) -> None:
    show_quality(session(aws=ModelCluster()), exam(holdout), Format.JSON, timeout_seconds=30)
    saved = tmp_path / "before.json"
    saved.write_text(capsys.readouterr().out)
    worse = session(aws=ModelCluster(SWAPPED.__getitem__))
    against = load_answers(saved, holdout)
    show_quality(worse, exam(holdout, against=against), Format.TABLE, timeout_seconds=30)
    said = capsys.readouterr().out
    assert re.search(r"aws: \d rows? .*|aws: \d+ rows are right only now, \d\d were right", said)
    assert "is more than chance (McNemar's p = 0.000)" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--at-least", "f1"], "'f1' is no threshold"),
        (["--against", "gone.json"], "no answers of an evaluation can be read from it"),
        (["--label", "nope"], "there is no column 'nope'"),
    ],
)
def test_bad_input_is_refused_before_anybody_is_asked(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "d.csv").write_text("a,y\n1,1\n")
    result = CliRunner().invoke(app, ["evaluate", "--data", str(tmp_path / "d.csv"), *arguments])
    assert result.exit_code == 4
    assert said in result.output
