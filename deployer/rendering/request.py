"""What is to be rendered: one spec on one target, with what the library says of both."""

from dataclasses import dataclass

from deployer.rendering.server import Server, describe_server
from deployer.spec.library import Overlay, load_overlay, overlay_name
from deployer.spec.model import Spec, TargetSpec
from deployer.values import Digest

__all__ = ["Request", "describe_request"]


@dataclass(frozen=True, slots=True)
class Request:
    """One release of ``spec`` on ``target``.

    Attributes:
        kind: The name of the overlay.
        uri, digest: Which bytes the pods pull.
    """

    spec: Spec
    target: TargetSpec
    kind: str
    overlay: Overlay
    server: Server
    release: int
    uri: str
    digest: Digest


def describe_request(
    spec: Spec, target: TargetSpec, *, release: int, digest: str, uri: str
) -> Request:
    """Return the request with everything that has to be looked up.

    Raises:
        SpecError: There is no such runtime.
    """
    kind = overlay_name(target.provider, local=bool(target.cluster.local))
    server = describe_server(spec)
    return Request(
        spec, target, kind, load_overlay(kind), server, release, uri, Digest.parse(digest)
    )
