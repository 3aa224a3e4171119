"""The smoke gate's example requests: a JSON list, in the words of the server's protocol."""

import json

from deployer.errors import Fault, SpecError
from deployer.spec.library import find_runtime, load_runtime
from deployer.spec.model import Spec
from deployer.spec.service import Protocol, RuntimeSpec
from deployer.values import Json

__all__ = ["load_requests", "protocol_of"]

_INFERENCE = 'a list of {"inputs": […], "expect": [{"name": …, "data": […]}]}'
_OTHER = 'a list of {"body": …, "path": "/…", "expect": [{"at": "/a/0", "is": …}]}'


def load_requests(spec: Spec) -> tuple[Json, ...]:
    """Return the requests that ``gates.smoke.requests`` names; empty when it names none.

    With the Open Inference Protocol v2 each is an inference request; ``expect`` holds the outputs
    that a good model must give, and is not sent. With any other ``body`` is sent, to the runtime's
    own path for predictions or to ``path``, and ``expect`` points into the answer (RFC 6901).

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
    protocol = protocol_of(spec)
    form = _INFERENCE if protocol == "open-inference-v2" else _OTHER
    faults = _faults(document, protocol, form)
    if faults:
        raise SpecError(f"{file}: expected {form}", file=file, faults=faults)
    return tuple(document)


def protocol_of(spec: Spec) -> Protocol:
    """Return what the spec's model server speaks."""
    if isinstance(spec.runtime, RuntimeSpec):
        return spec.runtime.protocol
    return load_runtime(find_runtime(spec.runtime, spec.folder)).protocol


def _faults(document: Json, protocol: Protocol, form: str) -> list[Fault]:
    if not isinstance(document, list) or not document:
        return [Fault(1, 1, "", f"expected {form}, with at least one request")]
    check = _inference_problem if protocol == "open-inference-v2" else _other_problem
    return [
        Fault(1, 1, f"[{index}]", problem)
        for index, request in enumerate(document)
        if (problem := check(request))
    ]


def _inference_problem(request: Json) -> str:
    if not isinstance(request, dict) or not isinstance(request.get("inputs"), list):
        return 'expected an object with "inputs"'
    for expected in request.get("expect", []):
        if not isinstance(expected, dict) or not isinstance(expected.get("data"), list):
            return 'every entry of "expect" needs "name" and "data"'
        if not isinstance(expected.get("name"), str):
            return 'every entry of "expect" needs the "name" of an output'
    return ""


def _other_problem(request: Json) -> str:
    if not isinstance(request, dict) or "body" not in request:
        return 'expected an object with "body", which is sent as it is'
    path = request.get("path", "/")
    if not isinstance(path, str) or not path.startswith("/"):
        return '"path" begins with /'
    for expected in request.get("expect", []):
        place = expected.get("at") if isinstance(expected, dict) else None
        if not isinstance(place, str) or not f"{place}/".startswith("/") or "is" not in expected:
            return 'every entry of "expect" needs "at", such as /predictions/0, and "is"'
    return ""
