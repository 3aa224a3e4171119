"""The example, trained by its own script and served by a real MLServer."""

import csv
import json
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
import urllib3

from deployer.providers.local.clock import SystemClock

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-mlserver" / "bin" / "python"
SETTINGS = {
    "MLSERVER_MODEL_NAME": "iris",
    "MLSERVER_MODEL_IMPLEMENTATION": "mlserver_sklearn.SKLearnModel",
    "MLSERVER_PARALLEL_WORKERS": "0",
    "MLSERVER_HTTP_PORT": "8080",
    "MLSERVER_GRPC_PORT": "8081",
    "MLSERVER_METRICS_PORT": "8082",
}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Threads that spin for one another stand still on a busy machine."""

pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="needs .venv-mlserver: `make setup`"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders, each trained from nothing."""
    script = ROOT / "examples" / "iris" / "train.py"
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    environment = {**os.environ, **ONE_THREAD}
    for out in (first, second):
        subprocess.run([PYTHON, script, "--out", out], env=environment, check=True)
    return first, second


@pytest.fixture(scope="module")
def build(builds: tuple[Path, Path]) -> Path:
    return builds[0]


@pytest.fixture
def serve(build: Path) -> Iterator[Callable[[str], str]]:
    """Start a version's server on an address of its own, as a pod has; returns its URL."""
    servers: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []

    def start(version: str) -> str:
        folder, host = build / version, f"127.83.{secrets.randbelow(250)}.{len(servers) + 1}"
        changes = {"MLSERVER_MODEL_URI": str(folder), "MLSERVER_HOST": host}
        log = (build / f"{version}.log").open("wb")
        server = subprocess.Popen(
            [str(PYTHON.with_name("mlserver")), "start", str(folder)],
            env={**os.environ, **ONE_THREAD, **SETTINGS, **changes},
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        servers.append((server, log))
        return f"http://{host}:8080/v2/models/iris"

    yield start
    for server, _ in servers:
        server.terminate()
    for server, log in servers:
        assert server.wait(20) == 0
        log.close()


def wait_ready(http: urllib3.PoolManager, url: str) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + 90
    while not is_ready(http, url):
        assert clock.monotonic() < deadline, f"{url} did not become ready"
        clock.sleep(0.1)


def is_ready(http: urllib3.PoolManager, url: str) -> bool:
    try:
        return http.request("GET", f"{url}/ready", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def agreement(http: urllib3.PoolManager, url: str, requests: list[Any]) -> list[bool]:
    """Say of each request whether the model answers what is expected; every answer is a 200."""
    agreed = []
    for request in requests:
        answer = http.request("POST", f"{url}/infer", json={"inputs": request["inputs"]})
        assert answer.status == 200
        (output,) = answer.json()["outputs"]
        (expected,) = request["expect"]
        agreed.append(output["name"] == expected["name"] and output["data"] == expected["data"])
    return agreed


def test_training_twice_gives_the_same_bytes(builds: tuple[Path, Path]) -> None:
    build, again = builds
    files = sorted(path.relative_to(build) for path in build.glob("**/*.[jc]*"))
    assert [str(path) for path in files] == [
        "bad/model.joblib",
        "holdout.csv",
        "requests.json",
        "v1/model.joblib",
        "v2/model.joblib",
    ]
    for path in files:
        assert (again / path).read_bytes() == (build / path).read_bytes(), path


def test_the_requests_cover_the_classes_and_come_from_the_holdout(build: Path) -> None:
    requests = json.loads((build / "requests.json").read_text())
    labels = [label for request in requests for label in request["expect"][0]["data"]]
    assert len(requests) > 1
    assert len(labels) >= 12
    assert set(labels) == {0, 1, 2}
    with (build / "holdout.csv").open() as file:
        rows = {tuple(map(float, list(row.values())[:4])) for row in csv.DictReader(file)}
    for request in requests:
        data = request["inputs"][0]["data"]
        asked = {tuple(data[start : start + 4]) for start in range(0, len(data), 4)}
        assert asked <= rows


def test_the_good_model_answers_as_expected_and_the_bad_one_does_not(
    build: Path, serve: Callable[[str], str]
) -> None:
    requests = json.loads((build / "requests.json").read_text())
    with urllib3.PoolManager() as http:
        good, bad = serve("v1"), serve("bad")
        for url in (good, bad):
            wait_ready(http, url)
        assert all(agreement(http, good, requests))
        assert not any(agreement(http, bad, requests))
