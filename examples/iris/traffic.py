"""A steady stream of real predictions, and what became of each."""

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Answer", "Traffic"]

_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent (monotonic), how long it took, who answered, and how."""

    at: float
    seconds: float
    status: int
    target: str
    release: int
    right: bool


@dataclass
class Traffic:
    """Sends the example requests through the router, ``rate`` a second, until stopped."""

    host: str
    port: int
    path: str
    requests: Path
    rate: float = 20.0
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._examples = json.loads(self.requests.read_text())
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._drive, args=(i, 4)) for i in range(4)]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop, and wait for the last answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def since(self, moment: float) -> list[Answer]:
        """Return the answers to requests sent at or after ``moment``."""
        return [answer for answer in list(self.answers) if answer.at >= moment]

    def _drive(self, lane: int, lanes: int) -> None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_TIMEOUT_SECONDS)
        due = time.monotonic() + lane / self.rate
        number = lane
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            self.answers.append(
                self._send(connection, self._examples[number % len(self._examples)])
            )
            number += lanes
            due = max(due + lanes / self.rate, time.monotonic() - 1.0)
        connection.close()

    def _send(self, connection: http.client.HTTPConnection, example: dict) -> Answer:
        body = json.dumps({key: value for key, value in example.items() if key != "expect"})
        started = time.monotonic()
        try:
            connection.request("POST", self.path, body, {"content-type": "application/json"})
            response = connection.getresponse()
            payload = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return Answer(started, time.monotonic() - started, 0, "", 0, right=False)
        target, _, release = response.headers.get("x-deployer-target", "/0").partition("/")
        right = response.status == 200 and _as_expected(json.loads(payload), example["expect"])
        seconds = time.monotonic() - started
        return Answer(started, seconds, response.status, target, int(release), right)


def _as_expected(document: dict, expect: list[dict]) -> bool:
    outputs = {output["name"]: output["data"] for output in document["outputs"]}
    return all(outputs.get(wanted["name"]) == wanted["data"] for wanted in expect)


def summarize(answers: list[Answer]) -> str:
    """Return sent, failed, and who answered, in one line."""
    failed = sum(answer.status != 200 for answer in answers)
    wrong = sum(answer.status == 200 and not answer.right for answer in answers)
    by_target = Counter(answer.target for answer in answers if answer.status == 200)
    shares = ", ".join(f"{name} {count}" for name, count in sorted(by_target.items()))
    return f"{len(answers)} sent, {failed} failed, {wrong} wrong ({shares})"
