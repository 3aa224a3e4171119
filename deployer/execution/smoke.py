"""The smoke gate: real predictions from the release itself, before it gets any traffic.

A port that opens proves nothing, and neither does a 200: a model trained on shuffled labels answers
both. Where the user gave expected answers, they are what counts.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from deployer.errors import RolloutError
from deployer.ports import Cluster, HttpRequest, HttpResponse
from deployer.release.records import SmokeRecord, TargetBundle
from deployer.values import Json

__all__ = ["run_smoke"]

_JSON = {"content-type": "application/json"}


@dataclass(slots=True)
class _Tally:
    expected: int = 0
    agreed: int = 0
    first_miss: str = ""


def run_smoke(cluster: Cluster, part: TargetBundle, smoke: SmokeRecord, release: int) -> str:
    """Send the gate's requests to the release's own Service; return the verdict in words.

    Raises:
        RolloutError: An answer was an error, was no prediction, or too few met what was expected.
    """
    if not smoke.requests:
        response = _call(cluster, part, smoke, HttpRequest("GET", part.ready_path))
        _demand_ok(response, part, release)
        return "ready; no example requests given, so no prediction was made"
    tally = _Tally()
    for number, request in enumerate(smoke.requests, start=1):
        _check_one(cluster, part, smoke, release, number, request, tally)
    _demand_agreement(tally, part, smoke, release)
    return _verdict(tally, len(smoke.requests))


def _check_one(
    cluster: Cluster,
    part: TargetBundle,
    smoke: SmokeRecord,
    release: int,
    number: int,
    request: Json,
    tally: _Tally,
) -> None:
    body = {key: value for key, value in request.items() if key != "expect"}
    response = _call(
        cluster,
        part,
        smoke,
        HttpRequest("POST", part.infer_path, _JSON, json.dumps(body).encode()),
    )
    _demand_ok(response, part, release)
    outputs = _outputs(response, part, release, number)
    for expected in request.get("expect", ()):
        _compare(expected, outputs.get(expected["name"]), number, tally)


def _call(
    cluster: Cluster, part: TargetBundle, smoke: SmokeRecord, request: HttpRequest
) -> HttpResponse:
    return cluster.call(part.direct, request, timeout_seconds=smoke.timeout_seconds)


def _demand_ok(response: HttpResponse, part: TargetBundle, release: int) -> None:
    if response.status != 200:  # noqa: PLR2004 - HTTP's OK
        text = response.body[:200].decode(errors="replace").strip()
        raise RolloutError(
            f"{part.target}: smoke: release {release} answered {response.status}: {text}",
            release=release,
        )


def _outputs(
    response: HttpResponse, part: TargetBundle, release: int, number: int
) -> Mapping[str, list[Json]]:
    try:
        outputs = json.loads(response.body)["outputs"]
        found = {output["name"]: list(output["data"]) for output in outputs}
    except (ValueError, KeyError, TypeError) as error:
        raise RolloutError(
            f"{part.target}: smoke: the answer to request {number} is no prediction in the Open "
            "Inference Protocol v2 (it has no outputs)",
            release=release,
        ) from error
    if not any(found.values()):
        raise RolloutError(
            f"{part.target}: smoke: the answer to request {number} has no data", release=release
        )
    return found


def _compare(expected: Json, got: list[Json] | None, number: int, tally: _Tally) -> None:
    wanted = list(expected["data"])
    tally.expected += len(wanted)
    for index, value in enumerate(wanted):
        if got is not None and index < len(got) and _same(value, got[index]):
            tally.agreed += 1
        elif not tally.first_miss:
            answer = got[index] if got is not None and index < len(got) else "nothing"
            tally.first_miss = (
                f"request {number}, {expected['name']}[{index}]: expected {value!r}, got {answer!r}"
            )


def _same(expected: Json, got: Json) -> bool:
    if isinstance(expected, float) and isinstance(got, int | float):
        return math.isclose(expected, got, rel_tol=1e-6, abs_tol=1e-9)
    return bool(expected == got)


def _demand_agreement(tally: _Tally, part: TargetBundle, smoke: SmokeRecord, release: int) -> None:
    if tally.expected and tally.agreed < smoke.agree * tally.expected:
        raise RolloutError(
            f"{part.target}: smoke: {tally.agreed} of {tally.expected} answers of release {release} "
            f"are as expected, {smoke.agree:.0%} must be ({tally.first_miss})",
            release=release,
        )


def _verdict(tally: _Tally, requests: int) -> str:
    if not tally.expected:
        return f"{requests} predictions answered; no expected answers given"
    return f"{requests} requests, {tally.agreed} of {tally.expected} answers as expected"
