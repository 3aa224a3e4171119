"""Evaluating 100,000 rows, against what the model server gives to a client that only sends.

The peer sends the same bodies, prepared beforehand, over as many connections that stay open, and
reads no answer. The model server is a process of its own with a neural network of scikit-learn's.
"""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

from deployer.evaluation import Holdout
from deployer.evaluation.metrics import score_predictions
from deployer.evaluation.predict import predict_rows
from deployer.providers.http.probe import HttpProbe
from deployer.providers.local.clock import SystemClock

ROWS, BATCH, LANES = 100_000, 256, 4
PATH = "/v2/models/iris/infer"


def make_rows(count: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.random.default_rng(0).normal(size=(count, 4))
    return rows, (rows[:, 0] + rows[:, 1] > 0).astype(int)


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Any = None

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (tensor,) = body["inputs"]
        given = self.model.predict_proba(np.asarray(tensor["data"]).reshape(tensor["shape"]))
        outputs = [
            {"name": "predict", "shape": [len(given)], "data": given.argmax(axis=1).tolist()},
            {"name": "predict_proba", "shape": [*given.shape], "data": given.ravel().tolist()},
        ]
        text = json.dumps({"outputs": outputs}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


def serve() -> None:
    Model.model = MLPClassifier((512, 512), random_state=0, max_iter=3).fit(*make_rows(2000))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def flood(port: int, bodies: list[bytes]) -> None:
    connection = HTTPConnection("127.0.0.1", port)
    for body in bodies:
        connection.request("POST", PATH, body)
        connection.getresponse().read()
    connection.close()


def send_all(port: int, bodies: list[bytes]) -> float:
    begun = time.perf_counter()
    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(partial(flood, port), [bodies[lane::LANES] for lane in range(LANES)]))
    return ROWS / (time.perf_counter() - begun)


def evaluate(port: int, holdout: Holdout) -> float:
    probe = HttpProbe(SystemClock())
    send = partial(probe.send, f"http://127.0.0.1:{port}", timeout_seconds=60.0)
    begun = time.perf_counter()
    predictions = predict_rows(send, PATH, holdout, batch=BATCH)
    asked = time.perf_counter()
    score_predictions(holdout, predictions)
    print(f"scored in {time.perf_counter() - asked:.1f} s")
    return ROWS / (asked - begun)


def main() -> None:
    rows, labels = make_rows(ROWS)
    holdout = Holdout(
        names=("a", "b", "c", "d"),
        label="kind",
        rows=tuple(map(tuple, rows.tolist())),
        labels=tuple(labels.tolist()),
        task="classification",
    )
    bodies = [
        json.dumps({"inputs": [{
            "name": "features", "shape": [len(part), 4], "datatype": "FP64",
            "data": part.ravel().tolist(),
        }]}).encode()
        for part in np.split(rows, range(BATCH, ROWS, BATCH))
    ]  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.bench.bench_evaluate", "serve"],
        stdout=subprocess.PIPE,
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        send_all(port, bodies[:LANES])  # the first requests are slow
        own, ours = send_all(port, bodies), evaluate(port, holdout)
        print(
            f"{ROWS:,} rows: {ours:,.0f} rows/s evaluated, {own:,.0f} rows/s by a "
            f"client that only sends: {ours / own:.2f} of it (0.9 is the aim)"
        )
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        main()
