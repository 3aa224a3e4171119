"""Train the example's models on the iris data that ships inside scikit-learn.

    .venv-mlserver/bin/python examples/iris/train.py --out examples/iris/build

writes into the folder

    v1/model.joblib   logistic regression, regularised too hard
    v2/model.joblib   the same with its strength chosen by cross-validation: better
    bad/model.joblib  trained on shuffled labels: loads, answers 200, and is wrong
    holdout.csv       rows no model has seen: four features and the label
    requests.json     Open Inference Protocol v2 requests, with the answers of a good model

Everything is seeded: the same scikit-learn writes the same bytes.
"""

import argparse
import csv
import json
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

SEED = 2  # a split on which the three versions differ visibly
BAD_SEED = 5
HOLDOUT_SHARE = 0.3
ROWS_PER_REQUEST = 4
ROWS_PER_CLASS = 4


def main() -> None:
    """Train, write, and print how good each model is on the hold-out set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "build")
    out = parser.parse_args().out
    features, labels = load_iris(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        features, labels, test_size=HOLDOUT_SHARE, stratify=labels, random_state=SEED
    )
    models = train_models(train_x, train_y)
    for version, model in models.items():
        write_model(model, out / version)
    write_holdout(out / "holdout.csv", test_x, test_y)
    good = [models["v1"], models["v2"]]
    write_requests(out / "requests.json", *rows_all_get_right(good, test_x, test_y))
    print_quality(models, test_x, test_y)


def train_models(features: np.ndarray, labels: np.ndarray) -> dict[str, Pipeline]:
    """Return the three versions, fitted."""
    shuffled = np.random.default_rng(BAD_SEED).permutation(labels)
    return {
        "v1": make_classifier(0.02).fit(features, labels),
        "v2": tune_classifier(features, labels),
        "bad": make_classifier(1.0).fit(features, shuffled),
    }


def make_classifier(strength: float) -> Pipeline:
    """Return a multiclass pipeline; a small ``strength`` regularises hard."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))


def tune_classifier(features: np.ndarray, labels: np.ndarray) -> Pipeline:
    """Return the pipeline whose strength does best in five-fold cross-validation."""
    search = GridSearchCV(
        make_classifier(1.0),
        {"logisticregression__C": [0.1, 1.0, 10.0, 100.0]},
        scoring="f1_macro",
        cv=StratifiedKFold(5, shuffle=True, random_state=SEED),
    )
    return search.fit(features, labels).best_estimator_


def write_model(model: Pipeline, folder: Path) -> None:
    """Write ``model.joblib``."""
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")


def write_holdout(path: Path, features: np.ndarray, labels: np.ndarray) -> None:
    """Write one row per flower: the features, then the label."""
    names = [name.removesuffix(" (cm)").replace(" ", "_") for name in load_iris().feature_names]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, "label"])
        for row, label in zip(features.tolist(), labels.tolist(), strict=True):
            writer.writerow([*row, label])


def rows_all_get_right(
    models: list[Pipeline], features: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a few rows of each class that every model predicts correctly, classes in turn."""
    right = np.all([model.predict(features) == labels for model in models], axis=0)
    per_class = [np.flatnonzero(right & (labels == label))[:ROWS_PER_CLASS] for label in range(3)]
    rows = np.stack(per_class).T.ravel()
    return features[rows], labels[rows]


def write_requests(path: Path, features: np.ndarray, labels: np.ndarray) -> None:
    """Write the rows as requests, each with the answers to expect."""
    requests = [
        to_request(
            features[start : start + ROWS_PER_REQUEST], labels[start : start + ROWS_PER_REQUEST]
        )
        for start in range(0, len(features), ROWS_PER_REQUEST)
    ]
    path.write_text(json.dumps(requests, indent=2) + "\n", encoding="utf-8")


def to_request(features: np.ndarray, labels: np.ndarray) -> dict[str, object]:
    """Return one Open Inference Protocol v2 request with its ``expect``."""
    tensor = {
        "name": "features",
        "shape": list(features.shape),
        "datatype": "FP64",
        "data": features.ravel().tolist(),
    }
    return {"inputs": [tensor], "expect": [{"name": "predict", "data": labels.tolist()}]}


def print_quality(models: dict[str, Pipeline], features: np.ndarray, labels: np.ndarray) -> None:
    """Print accuracy and macro F1 on the hold-out set."""
    print(f"{'version':<10}{'accuracy':>10}{'f1_macro':>10}   on {len(labels)} rows")
    for version, model in models.items():
        predicted = model.predict(features)
        accuracy, f1 = (
            accuracy_score(labels, predicted),
            f1_score(labels, predicted, average="macro"),
        )
        print(f"{version:<10}{accuracy:>10.3f}{f1:>10.3f}")


if __name__ == "__main__":
    main()
