"""The smoke gate: real predictions from the release itself, before it gets any traffic.

A port that opens proves nothing, and neither does a 200: a model trained on shuffled labels answers
both. Where the user gave expected answers, they are what counts.
"""

from dataclasses import dataclass, field

from deployer.errors import RolloutError
from deployer.execution.answers import Comparison, compare_answer, make_request
from deployer.ports import Cluster, HttpRequest, HttpResponse
from deployer.release.gates import SmokeRecord
from deployer.release.records import TargetBundle
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

    def count(self, number: int, compared: Comparison) -> None:
        self.expected += 1
        if compared.agrees:
            self.agreed += 1
        elif not self.first_miss:
            found = f"expected {compared.wanted!r}, got {compared.got!r}"
            self.first_miss = f"request {number}, {compared.where}: {found}"


@dataclass(slots=True)
class _Gate:
    cluster: Cluster
    part: TargetBundle
    smoke: SmokeRecord
    release: int
    tally: _Tally = field(default_factory=_Tally)

    def check(self, number: int, request: Json) -> None:
        path, body = make_request(self.part, request)
        response = self.send(HttpRequest("POST", path, _JSON, body))
        try:
            compared = compare_answer(self.part, request, response.body)
        except ValueError as error:
            raise self._refused(f"its answer to request {number} {error}") from error
        for comparison in compared:
            self.tally.count(number, comparison)

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

    def _refused(self, why: str) -> RolloutError:
        return RolloutError(
            f"{self.part.target}: smoke: release {self.release}: {why}", release=self.release
        )
