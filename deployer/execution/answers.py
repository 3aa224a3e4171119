"""What the gates send and what the answers must say, by the server's protocol. Pure.

In the Open Inference Protocol v2 a request is what is sent, and ``expect`` names outputs. For any
other protocol ``body`` is sent to ``path``, and ``expect`` points into the answer (RFC 6901).
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deployer.release.records import TargetBundle
from deployer.values import Json

__all__ = ["Comparison", "compare_answer", "make_request", "read_values"]

_INFERENCE = "open-inference-v2"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One value of an answer beside the one that was expected."""

    where: str
    wanted: Json
    got: Json

    @property
    def agrees(self) -> bool:
        """Whether they are equal; floats to six digits."""
        return _same(self.wanted, self.got)


def make_request(part: TargetBundle, request: Json) -> tuple[str, bytes]:
    """Return the path and the body to send."""
    if part.protocol == _INFERENCE:
        body = {key: value for key, value in request.items() if key != "expect"}
        return part.infer_path, json.dumps(body).encode()
    return request.get("path", part.infer_path), json.dumps(request["body"]).encode()


def compare_answer(part: TargetBundle, request: Json, body: bytes) -> tuple[Comparison, ...]:
    """Return every expected value with what the answer has in its place.

    Raises:
        ValueError: The answer is no prediction; the message goes after "its answer".
    """
    compare = _compare_outputs if part.protocol == _INFERENCE else _compare_places
    return tuple(compare(request, body))


def read_values(part: TargetBundle, request: Json, body: bytes) -> dict[str, Json]:
    """Return what an answer says, by place, without what may change from answer to answer.

    In the Open Inference Protocol v2 these are the outputs. Of any other answer it is what
    ``expect`` points to, or all of it where nothing is expected.

    Raises:
        ValueError: The answer is no prediction; the message goes after "its answer".
    """
    if part.protocol == _INFERENCE:
        return dict(_read_outputs(body))
    places = [expected["at"] for expected in request.get("expect", ())] or [""]
    answer = _read_json(body)
    return {place: _resolve(answer, place) for place in places}


def _compare_outputs(request: Json, body: bytes) -> Iterator[Comparison]:
    outputs = _read_outputs(body)
    for expected in request.get("expect", ()):
        name = expected["name"]
        got = outputs.get(name, [])
        for index, wanted in enumerate(expected["data"]):
            answer = got[index] if index < len(got) else None
            yield Comparison(f"{name}[{index}]", wanted, answer)


def _read_outputs(body: bytes) -> Mapping[str, list[Json]]:
    try:
        outputs = json.loads(body)["outputs"]
        found = {output["name"]: list(output["data"]) for output in outputs}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("is no prediction in the Open Inference Protocol v2") from error
    if not any(found.values()):
        raise ValueError("has no data")
    return found


def _compare_places(request: Json, body: bytes) -> Iterator[Comparison]:
    answer = _read_json(body)
    for expected in request.get("expect", ()):
        place = expected["at"]
        yield Comparison(place, expected["is"], _resolve(answer, place))


def _read_json(body: bytes) -> Json:
    try:
        return json.loads(body)
    except ValueError as error:
        raise ValueError("is not JSON") from error


def _resolve(answer: Json, place: str) -> Json:
    import jsonpointer  # noqa: PLC0415 - most models speak the Open Inference Protocol

    return jsonpointer.resolve_pointer(answer, place, None)


def _same(expected: Json, got: Json) -> bool:
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(_same, expected, got))
    if isinstance(expected, float) and isinstance(got, int | float):
        return math.isclose(expected, got, rel_tol=1e-6, abs_tol=1e-9)
    return bool(expected == got)
