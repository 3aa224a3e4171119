"""What a spec asks of clusters: whether clusters of that kind can give it at all.

Like all checks these read the data as the user wrote it; the overlays say what each kind can.
"""

import re
from collections.abc import Iterator, Mapping

from deployer.spec.library import Overlay, load_overlay, overlay_name
from deployer.spec.tree import Finding, TreePath, dig
from deployer.values import Cloud, Json

__all__ = ["check_abilities", "check_scaling"]


def check_abilities(target: Json, path: TreePath) -> Iterator[Finding]:
    """Yield what a target asks for that its kind of cluster does not have."""
    provider = dig(target, "provider")
    if not isinstance(provider, str) or provider not in set(Cloud):
        return
    kind = overlay_name(Cloud(provider), local=dig(target, "cluster", "local") is not None)
    overlay = load_overlay(kind)
    yield from _check_way(dig(target, "expose"), overlay, kind, (*path, "expose"))
    yield from _check_identity(dig(target, "identity"), overlay, kind, (*path, "identity"))
    yield from _check_nodes(dig(target, "nodes"), overlay, kind, (*path, "nodes"))


def check_scaling(data: Json) -> Iterator[Finding]:
    """Yield what does not go together in ``service.replicas``."""
    path = ("service", "replicas")
    replicas = dig(data, *path)
    triggers = dig(replicas, "triggers")
    if triggers and dig(replicas, "max") is None:
        yield Finding((*path, "triggers"), "KEDA needs to know how far to scale: set max", True)
    if triggers and dig(replicas, "cpu_percent") is not None:
        message = "triggers replace it; add a trigger of type cpu to have both"
        yield Finding((*path, "cpu_percent"), message, True)


_IDENTITIES = {
    "aws": (r"arn:aws[a-z-]*:iam::\d{12}:role/.+", "a role's ARN: arn:aws:iam::ACCOUNT:role/NAME"),
    "gcp": (r"[^@\s]+@[^@\s]+\.gserviceaccount\.com", "a service account's e-mail"),
    "azure": (
        r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "a client id, which is a UUID",
    ),
}
"""By overlay, what an identity looks like."""

_NODES = {
    "spot": "nothing here says which nodes those are",
    "pool": "there is no label of node pools that all of them agree on",
    "accelerator": "there are no nodes to choose from",
}


def _check_way(way: Json, overlay: Overlay, kind: str, path: TreePath) -> Iterator[Finding]:
    if isinstance(way, str):
        chosen = [way]
    elif isinstance(way, Mapping):
        chosen = [name for name in ("ingress", "gateway") if way.get(name) is not None]
        if len(chosen) != 1:
            yield Finding(path, "expected one of ingress and gateway", on_key=True)
            return
    else:
        return
    known = {"load-balancer", "internal", "cluster", "ingress", "gateway"}
    if chosen[0] in known - set(overlay.expose):
        ways = ", ".join(overlay.expose)
        yield Finding(path, f"{_clusters(kind)} have no {chosen[0]}; there is {ways}", on_key=True)


def _check_identity(
    identity: Json, overlay: Overlay, kind: str, path: TreePath
) -> Iterator[Finding]:
    if not isinstance(identity, str):
        return
    if overlay.identity is None:
        message = (
            f"{_clusters(kind)} have no cloud identities; annotate the ServiceAccount by a patch"
        )
        yield Finding(path, message, on_key=True)
        return
    form, words = _IDENTITIES[kind]
    if not re.fullmatch(form, identity):
        yield Finding(path, f"expected {words}, got {identity!r}")


def _check_nodes(nodes: Json, overlay: Overlay, kind: str, path: TreePath) -> Iterator[Finding]:
    for field, why in _NODES.items():
        if dig(nodes, field) and getattr(overlay, field) is None:
            message = f"{_clusters(kind)}: {why}; a patch of the Deployment can name nodes"
            yield Finding((*path, field), message, on_key=True)


def _clusters(kind: str) -> str:
    return {"local": "local clusters", "kubernetes": "clusters of provider kubernetes"}.get(
        kind, f"{kind}'s clusters"
    )
