"""The smoke gate: real predictions from the release itself, before it gets any traffic.

A port that opens proves nothing, and neither does a 200: a model trained on shuffled labels answers
both. Where the user gave expected answers, they are what counts.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.errors import RolloutError
from deployer.ports import Cluster, HttpRequest, HttpResponse
from deployer.release.records import SmokeRecord, TargetBundle
from deployer.values import Json

__all__ = ["run_smoke"]

_OK = 200
_JSON = {"content-type": "application/json"}


def run_smoke(cluster: Cluster, part: TargetBundle, smoke: SmokeRecord, release: int) -> str:
    """Send the gate's requests to the release's own Service; return the verdict in words.

    Raises:
        RolloutError: An answer was an error, was no prediction, or too few met what was expected.
        TransientError: No pod of the release answered.
    """
    gate = _Gate(cluster, part, smoke, release)
    if not smoke.requests:
        gate.send(HttpRequest("GET", part.ready_path))
        return "ready; no example requests given, so no prediction was made"
    for number, request in enumerate(smoke.requests, start=1):
        gate.check(number, request)
    gate.demand_agreement()
    return gate.verdict()


@dataclass(slots=True)
class _Tally:
    expected: int = 0
    agreed: int = 0
    first_miss: str = ""

    def compare(self, wanted: Json, got: Json, where: str) -> None:
        self.expected += 1
        if _same(wanted, got):
            self.agreed += 1
        elif not self.first_miss:
            self.first_miss = f"{where}: expected {wanted!r}, got {got!r}"


@dataclass(slots=True)
class _Gate:
    cluster: Cluster
    part: TargetBundle
    smoke: SmokeRecord
    release: int
    tally: _Tally = field(default_factory=_Tally)

    def check(self, number: int, request: Json) -> None:
        body = {key: value for key, value in request.items() if key != "expect"}
        response = self.send(
            HttpRequest("POST", self.part.infer_path, _JSON, json.dumps(body).encode())
        )
        outputs = self._outputs(response, number)
        for expected in request.get("expect", ()):
            name = expected["name"]
            got = outputs.get(name, [])
            for index, wanted in enumerate(expected["data"]):
                answer = got[index] if index < len(got) else None
                self.tally.compare(wanted, answer, f"request {number}, {name}[{index}]")

    def send(self, request: HttpRequest) -> HttpResponse:
        seconds = self.smoke.timeout_seconds
        response = self.cluster.call(self.part.direct, request, timeout_seconds=seconds)
        if response.status != _OK:
            text = response.body[:200].decode(errors="replace").strip()
            raise self._refused(f"it answered {response.status}: {text}")
        return response

    def demand_agreement(self) -> None:
        if self.tally.agreed < self.smoke.agree * self.tally.expected:
            raise self._refused(
                f"{self.tally.agreed} of {self.tally.expected} answers are as expected, "
                f"{self.smoke.agree:.0%} must be ({self.tally.first_miss})"
            )

    def verdict(self) -> str:
        count = len(self.smoke.requests)
        if not self.tally.expected:
            return f"{count} predictions answered; no expected answers given"
        return f"{self.tally.agreed} of {self.tally.expected} answers as expected"

    def _outputs(self, response: HttpResponse, number: int) -> Mapping[str, list[Json]]:
        try:
            outputs = json.loads(response.body)["outputs"]
            found = {output["name"]: list(output["data"]) for output in outputs}
        except (ValueError, KeyError, TypeError) as error:
            raise self._refused(
                f"its answer to request {number} is no prediction in the Open Inference Protocol v2"
            ) from error
        if not any(found.values()):
            raise self._refused(f"its answer to request {number} has no data")
        return found

    def _refused(self, why: str) -> RolloutError:
        return RolloutError(
            f"{self.part.target}: smoke: release {self.release}: {why}", release=self.release
        )


def _same(expected: Json, got: Json) -> bool:
    if isinstance(expected, float) and isinstance(got, int | float):
        return math.isclose(expected, got, rel_tol=1e-6, abs_tol=1e-9)
    return bool(expected == got)
