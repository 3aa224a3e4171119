"""A model server in the Open Inference Protocol v2 that starts at once, for pods of the stories.

The model is /mnt/models/model.json: ``{"version": …, "threshold": …, "sign": 1 or -1}``. It
predicts whether a number is above the threshold; with ``sign`` -1 it is wrong about every one, and
with ``"broken": true`` it answers 500.
"""

import http.server
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

NAME = os.environ["MODEL_NAME"]
MODEL: dict[str, Any] = json.loads(Path(sys.argv[1], "model.json").read_bytes())


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body that waits for its head's receipt comes 40 ms later

    def do_GET(self) -> None:
        known = {"/v2/health/live", "/v2/health/ready", f"/v2/models/{NAME}/ready"}
        self._answer(200 if self.path in known else 404, {"name": NAME})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != f"/v2/models/{NAME}/infer":
            self._answer(404, {"error": f"no model at {self.path}"})
            return
        if MODEL.get("broken"):
            self._answer(500, {"error": "broken"})
            return
        data = predict(json.loads(body)["inputs"][0]["data"])
        output = {"name": "predict", "datatype": "INT64", "shape": [len(data)], "data": data}
        version = MODEL["version"]
        self._answer(200, {"model_name": NAME, "model_version": version, "outputs": [output]})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # restarts at once
        self.socket.bind(self.server_address)  # without asking the resolver for our name
        self.server_name, self.server_port = "pod", 8080


def predict(data: list[float]) -> list[int]:
    """Return 1 for what is above the threshold, or below it when the sign is negative."""
    return [int((value - MODEL["threshold"]) * MODEL["sign"] > 0) for value in data]


if __name__ == "__main__":
    with Server((os.environ["MODEL_HOST"], 8080), Handler) as server:
        server.serve_forever()
