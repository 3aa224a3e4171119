"""A steady stream of predictions, and what became of each: ``traffic.py URL NAME``.

Waits for the router to have routes, then runs until its stdin is closed, and prints one JSON
object: how many were sent, how many failed or were wrong, and how many each (target, release)
answered.
"""

import http.client
import json
import sys
import threading
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

DATA = [1, 2, 3, 4]
RIGHT = [0, 0, 1, 1]
LANES = 3
PAUSE_SECONDS = 0.03


class Lane(threading.Thread):
    def __init__(self, url: str, name: str, stop: threading.Event) -> None:
        super().__init__()
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        self._path = f"/v2/models/{name}/infer"
        self._stop_asked = stop
        self.answers: Counter[str] = Counter()

    def run(self) -> None:
        while not self._stop_asked.wait(PAUSE_SECONDS):
            self.answers[self._send()] += 1
        self._connection.close()

    def _send(self) -> str:
        tensor = {"name": "x", "shape": [len(DATA)], "datatype": "FP64", "data": DATA}
        try:
            self._connection.request("POST", self._path, json.dumps({"inputs": [tensor]}))
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return f"failed: {error!r}"
        if response.status != http.HTTPStatus.OK:
            return f"failed: {response.status}"
        document: dict[str, Any] = json.loads(body)
        right = document["outputs"][0]["data"] == RIGHT
        return document["model_version"] if right else "wrong"


def await_routes(url: str) -> None:
    """Return when the router is ready; it listens before it has read where to send."""
    parts, pause = urlsplit(url), threading.Event()
    for _ in range(600):
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        connection.request("GET", "/-/ready")
        status = connection.getresponse().status
        connection.close()
        if status == http.HTTPStatus.OK:
            return
        pause.wait(0.1)
    raise SystemExit("the router had no routes in a minute")


def main() -> None:
    await_routes(sys.argv[1])
    stop = threading.Event()
    lanes = [Lane(sys.argv[1], sys.argv[2], stop) for _ in range(LANES)]
    for lane in lanes:
        lane.start()
    sys.stdin.read()
    stop.set()
    for lane in lanes:
        lane.join()
    total: Counter[str] = Counter()
    for lane in lanes:
        total += lane.answers
    sys.stdout.write(json.dumps(total))


if __name__ == "__main__":
    main()
