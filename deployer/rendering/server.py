"""How a deployed model is asked: the paths and the protocol of its server."""

from dataclasses import dataclass

from deployer.spec.library import load_runtime
from deployer.spec.model import RuntimeSpec, Spec

__all__ = ["Server", "describe_server"]


@dataclass(frozen=True, slots=True)
class Server:
    """Paths on the model's Service; ``ready`` answers 200 once this model can predict."""

    protocol: str
    ready: str
    live: str
    infer: str


def describe_server(spec: Spec) -> Server:
    """Return the server's paths for this model.

    Raises:
        SpecError: The library has no such runtime.
    """
    if isinstance(spec.runtime, RuntimeSpec):
        return _own(spec.runtime, spec.name)
    runtime = load_runtime(spec.runtime)
    paths = (_fill(path, spec.name) for path in (runtime.ready, runtime.live, runtime.infer))
    return Server(runtime.protocol, *paths)


def _own(runtime: RuntimeSpec, name: str) -> Server:
    usual = f"/v2/models/{name}/infer" if runtime.protocol == "open-inference-v2" else "/"
    return Server(runtime.protocol, runtime.health, runtime.health, runtime.infer or usual)


def _fill(path: str, name: str) -> str:
    """Put the model's name where a whole segment stands for it."""
    return "/".join(name if segment == "{model}" else segment for segment in path.split("/"))
