"""What a user may write about a target's cluster: which nodes, which identity, which way in."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from deployer.spec.part import Part
from deployer.spec.scalars import Host, Text

__all__ = ["Expose", "Gateway", "Ingress", "Nodes", "Way", "canary_url_of", "url_of"]


class Ingress(Part):
    """A host name on an Ingress controller."""

    host: Host = Field(description="The host name, such as iris.example.com.")
    canary: Host | None = Field(
        None, description="The host name of a canary; strategy type canary needs one."
    )
    class_name: Text | None = Field(
        None, description="The IngressClass; the cluster's default when left out."
    )
    tls_secret: Text | None = Field(
        None, description="The Secret with the certificate; without it the way in is plain HTTP."
    )


class Gateway(Part):
    """A host name on a Gateway (Gateway API)."""

    host: Host = Field(description="The host name, such as iris.example.com.")
    canary: Host | None = Field(
        None, description="The host name of a canary; strategy type canary needs one."
    )
    name: Text = Field(description="The Gateway.")
    namespace: Text | None = Field(
        None, description="Where the Gateway is; the target's namespace when left out."
    )
    https: bool = Field(True, description="Whether its listener ends TLS.")


class Expose(Part):
    """A way in by host name: one of ingress and gateway."""

    ingress: Ingress | None = Field(None, description="By an Ingress controller.")
    gateway: Gateway | None = Field(None, description="By a Gateway, with an HTTPRoute.")


class Nodes(Part):
    """Which of the cluster's nodes the pods may run on."""

    spot: bool = Field(False, description="Nodes the cloud may take back, at a lower price.")
    pool: Text | None = Field(None, description="The node pool or node group, by name.")
    accelerator: Text | None = Field(
        None, description="The GPU, as the cluster's nodes are labelled: nvidia-l4, l4, …"
    )


def _way_tag(value: object) -> str:
    return "(word)" if isinstance(value, str) else "(host)"


Way = Annotated[
    Annotated[Literal["load-balancer", "internal", "cluster"], Tag("(word)")]
    | Annotated[Expose, Tag("(host)")],
    Discriminator(_way_tag),
]
"""How requests come in: a load balancer, one inside the cloud's network, no way but the
cluster's own, or a host name.
"""


def url_of(way: str | Expose | None) -> str | None:
    """Return the URL that a way by host name leads to; None for the others."""
    host, scheme = _host_of(way, "host")
    return f"{scheme}://{host}" if host else None


def canary_url_of(way: str | Expose | None) -> str | None:
    """Return the URL of a canary's own host name; None where it has none."""
    host, scheme = _host_of(way, "canary")
    return f"{scheme}://{host}" if host else None


def _host_of(way: str | Expose | None, field: str) -> tuple[str | None, str]:
    found = (way.ingress or way.gateway) if isinstance(way, Expose) else None
    if found is None:
        return None, ""
    https = bool(found.tls_secret) if isinstance(found, Ingress) else found.https
    return getattr(found, field), "https" if https else "http"
