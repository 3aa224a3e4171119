"""How a deployed model is asked, and what its server needs: paths, protocol, folder, size."""

from dataclasses import dataclass

from deployer.spec.library import Metrics, Runtime, Size, find_runtime, load_runtime
from deployer.spec.model import Spec
from deployer.spec.service import RuntimeSpec

__all__ = ["MODEL_VOLUME", "Server", "describe_server"]

MODEL_VOLUME = "/mnt/models"
"""Where the volume that holds the model is in the pod."""


@dataclass(frozen=True, slots=True)
class Server:
    """Paths on the model's Service; ``ready`` answers 200 once this model can predict.

    Attributes:
        folder: Where the artifact's files are in the pod.
        size: What one copy asks for: the spec's words, else the runtime's.
    """

    protocol: str
    ready: str
    live: str
    infer: str
    folder: str
    metrics: Metrics | None
    size: Size


def describe_server(spec: Spec) -> Server:
    """Return what the model's server is like.

    Raises:
        SpecError: There is no such runtime, or it says nothing sensible of itself.
    """
    if isinstance(spec.runtime, RuntimeSpec):
        return _own(spec.runtime, spec)
    runtime = load_runtime(find_runtime(spec.runtime, spec.folder))
    return Server(
        protocol=runtime.protocol,
        ready=_fill(runtime.ready, spec.name),
        live=_fill(runtime.live, spec.name),
        infer=_fill(runtime.infer, spec.name),
        folder=_folder(runtime, spec.name),
        metrics=runtime.metrics,
        size=_size(spec, runtime.resources),
    )


def _own(runtime: RuntimeSpec, spec: Spec) -> Server:
    usual = f"/v2/models/{spec.name}/infer" if runtime.protocol == "open-inference-v2" else "/"
    return Server(
        protocol=runtime.protocol,
        ready=runtime.health,
        live=runtime.health,
        infer=runtime.infer or usual,
        folder=MODEL_VOLUME,
        metrics=Metrics(port="http", path=runtime.metrics) if runtime.metrics else None,
        size=_size(spec, Size()),
    )


def _fill(text: str, name: str) -> str:
    return text.replace("{model}", name)


def _folder(runtime: Runtime, name: str) -> str:
    return f"{MODEL_VOLUME}/{_fill(runtime.folder, name)}".rstrip("/")


def _size(spec: Spec, usual: Size) -> Size:
    wanted = spec.service.resources
    return Size(
        cpu=wanted.cpu or usual.cpu,
        memory=wanted.memory or usual.memory,
        gpu=usual.gpu if wanted.gpu is None else wanted.gpu,
    )
