"""The smoke gate's example requests: a JSON list in the Open Inference Protocol v2."""

import json

from deployer.errors import Fault, SpecError
from deployer.spec.model import Spec
from deployer.values import Json

__all__ = ["load_requests"]

_FORM = 'a list of {"inputs": […], "expect": [{"name": …, "data": […]}]}'


def load_requests(spec: Spec) -> tuple[Json, ...]:
    """Return the requests that ``gates.smoke.requests`` names; empty when it names none.

    Each is an inference request; ``expect`` holds the outputs that a good model must give, and is
    not sent.

    Raises:
        SpecError: The file cannot be read, or is not of that form; every fault is listed.
    """
    if spec.gates.smoke.requests is None:
        return ()
    file = spec.locate(spec.gates.smoke.requests)
    try:
        document = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise SpecError(
            f"{file}: the smoke requests cannot be read: {error}",
            file=file,
            hint="gates.smoke.requests names a JSON file, relative to the spec.",
        ) from error
    faults = _faults(document)
    if faults:
        raise SpecError(f"{file}: expected {_FORM}", file=file, faults=faults)
    return tuple(document)


def _faults(document: Json) -> list[Fault]:
    if not isinstance(document, list) or not document:
        return [Fault(1, 1, "", f"expected {_FORM}, with at least one request")]
    return [
        Fault(1, 1, f"[{index}]", problem)
        for index, request in enumerate(document)
        if (problem := _problem(request))
    ]


def _problem(request: Json) -> str:
    if not isinstance(request, dict) or not isinstance(request.get("inputs"), list):
        return 'expected an object with "inputs"'
    for expected in request.get("expect", []):
        if not isinstance(expected, dict) or not isinstance(expected.get("data"), list):
            return 'every entry of "expect" needs "name" and "data"'
        if not isinstance(expected.get("name"), str):
            return 'every entry of "expect" needs the "name" of an output'
    return ""
