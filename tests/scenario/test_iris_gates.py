"""The example's models on real MLServers behind the gates: a bad one, and one that is odd."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-mlserver" / "bin" / "python"
MLSERVER = PYTHON.with_name("mlserver")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
SWAP = """\
import joblib, pathlib, sys
model = joblib.load(sys.argv[1])
model[-1].classes_ = model[-1].classes_[[0, 2, 1]]
pathlib.Path(sys.argv[2]).mkdir()
joblib.dump(model, sys.argv[2] + "/model.joblib")
"""
EXPECTED = """\
import csv, json, sys, joblib
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
with open(sys.argv[2]) as file:
    rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
true, inputs = [int(row[-1]) for row in rows], [row[:-1] for row in rows]
model = joblib.load(sys.argv[1])
answers = model.predict(inputs)
print(json.dumps({
    "accuracy": accuracy_score(true, answers),
    "f1_macro": f1_score(true, answers, average="macro"),
    "roc_auc_ovr": roc_auc_score(true, model.predict_proba(inputs), multi_class="ovr"),
}))
"""

pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-mlserver; `make setup` makes it"),
    pytest.mark.slow,
    pytest.mark.timeout(400),  # nine model servers start, three at a time
]


def run_python(*words: object) -> str:
    done = subprocess.run(
        [PYTHON, *map(str, words)],
        env={**os.environ, **ONE_THREAD},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def serve_with(cluster: Path, *command: object) -> None:
    """Let this command stand for MLServer's image on the cluster."""
    cluster.mkdir(parents=True, exist_ok=True)
    (cluster / "images.json").write_text(json.dumps({"seldonio/mlserver": [*map(str, command)]}))


@pytest.fixture
def iris(make_deployment: Callable[..., Any], own_clusters: dict[str, Path]) -> Any:
    """The example on three clusters, without example requests: only the answers' gates judge."""
    deployment = make_deployment(clusters=own_clusters)
    run_python(ROOT / "examples" / "iris" / "train.py", "--out", deployment.folder / "build")
    for cluster in own_clusters.values():
        serve_with(cluster, MLSERVER, "start", "/mnt/models")
    return deployment


def write_spec(deployment: Any, version: str) -> None:
    evaluate = {
        "dataset": "build/holdout.csv",
        "thresholds": {"accuracy": 0.2},
        "champion": {"f1_macro": 0.05},
    }
    deployment.write_spec(
        model={"path": f"build/{version}"},
        runtime="mlserver-sklearn",
        service={"env": ONE_THREAD},
        gates={"evaluate": evaluate, "parity": {}},
    )


def test_parity_catches_swapped_classes_and_the_gate_a_bad_version(iris: Any) -> None:
    run_python("-c", SWAP, iris.folder / "build/v1/model.joblib", iris.folder / "swapped")
    odd = f"MLSERVER_MODEL_URI={iris.folder}/swapped exec {MLSERVER} start /mnt/models"
    serve_with(iris.clusters["gcp-iowa"], "sh", "-c", odd)
    write_spec(iris, "v1")
    planned = iris.run("plan", "-o", "wide", expect=2).out
    assert "evaluate (accuracy 0.2; against the live release f1_macro 0.05; 45 rows)" in planned
    assert "parity (numbers within 1e-06)" in planned
    refused = iris.run("deploy", expect=1)
    assert re.search(
        r"gcp-iowa: parity: release 1: \d\d of 45 answers differ from aws-virginia's", refused.err
    )
    assert "nothing was serving before" in refused.err
    assert iris.serving() == dict.fromkeys(iris.clusters, 0)

    serve_with(iris.clusters["gcp-iowa"], MLSERVER, "start", "/mnt/models")
    iris.run("deploy", "--quarantined", "1")
    release = iris.serving()["gcp-iowa"]
    assert iris.serving() == dict.fromkeys(iris.clusters, release)
    found = iris.run("evaluate", "--data", "build/holdout.csv", "-o", "json").json
    model = iris.folder / "build/v1/model.joblib"
    expected = json.loads(run_python("-c", EXPECTED, model, iris.folder / "build/holdout.csv"))
    for target in found["targets"]:
        metrics = {name: target["metrics"][name]["value"] for name in expected}
        assert metrics == pytest.approx(expected, abs=1e-12), target["target"]

    page = iris.folder / "report.html"
    iris.run("report", "all", "--data", "build/holdout.csv", "--to", page)
    text = page.read_text()
    assert "healthy, 3 of 3 targets healthy" in text
    assert "Confusion of aws-virginia, azure-virginia, gcp-iowa" in text, "equal, so shown once"
    assert "unknown: a local machine has no list price" in text

    write_spec(iris, "bad")
    worse = iris.run("deploy", expect=1)
    assert re.search(
        rf"evaluate: release {release + 1}: f1_macro is 0\.\d+, and 0\.\d+ of release {release}, "
        r"at most 0\.05 worse, on 45 rows; worst class",
        worse.err,
    )
    assert f"release {release} never stopped serving" in worse.err
    assert iris.serving() == dict.fromkeys(iris.clusters, release)
