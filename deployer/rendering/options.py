"""Which parts of the library a spec switches on: folders of ``options``, by name."""

from collections.abc import Iterator

from deployer.errors import SpecError
from deployer.rendering.request import Request
from deployer.spec.model import Spec
from deployer.spec.placement import Expose

__all__ = ["choose_options"]


def choose_options(request: Request) -> tuple[str, ...]:
    """Return the options that are on, in the order they are merged.

    Raises:
        SpecError: Metrics are to be read of a server that shows none.
    """
    return (*_of_service(request), *_of_target(request))


def _of_service(request: Request) -> Iterator[str]:
    service = request.spec.service
    if service.replicas.triggers:
        yield "keda"
    elif (service.replicas.max or 0) > service.replicas.min:
        yield "autoscaler"
    if service.monitor is not None:
        if request.server.metrics is None:
            raise _no_metrics(request.spec)
        yield "monitor"
    if service.resources.disk:
        yield "disk"


def _of_target(request: Request) -> Iterator[str]:
    way = request.target.expose or request.overlay.expose[0]
    if isinstance(way, Expose):
        yield "ingress" if way.ingress else "gateway"
    elif way != "cluster":
        yield from dict.fromkeys(("load-balancer", way))


def _no_metrics(spec: Spec) -> SpecError:
    return SpecError(
        f"{spec.file}: service.monitor: nothing is known of metrics of this model server",
        file=spec.file,
        hint="Say where they are: runtime: {image: …, metrics: /metrics}.",
    )
