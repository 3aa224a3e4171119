"""The inventory of what is ours on a cluster, as the ApplySet specification has it (KEP-3659).

A parent object names the kinds there are, every member carries the parent's id: kubectl and other
tools read both.
"""

import hashlib
from base64 import urlsafe_b64encode

from deployer.ports.manifest import Manifest, ObjectRef

__all__ = [
    "ID_LABEL",
    "KINDS_ANNOTATION",
    "MEMBER_LABEL",
    "TOOLING_ANNOTATION",
    "kinds_in",
    "parent_of",
    "set_id",
]

ID_LABEL = "applyset.kubernetes.io/id"
MEMBER_LABEL = "applyset.kubernetes.io/part-of"
TOOLING_ANNOTATION = "applyset.kubernetes.io/tooling"
KINDS_ANNOTATION = "applyset.kubernetes.io/contains-group-kinds"


def parent_of(name: str) -> ObjectRef:
    """Return the parent object of a deployment's set."""
    return ObjectRef("v1", "ConfigMap", f"{name}-deployer")


def set_id(name: str, namespace: str) -> str:
    """Return the id of a deployment's set in ``namespace``.

    ``applyset-<base64url(sha256("<name>.<namespace>.<kind>.<group>"))>-v1``, of its parent.
    """
    parent = parent_of(name)
    text = f"{parent.name}.{namespace}.{parent.kind}."
    digest = urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    return f"applyset-{digest}-v1"


def kinds_in(parent: Manifest | None) -> tuple[str, ...]:
    """Return the kinds that a set's members are of, as its parent says: ``Deployment.apps``."""
    annotations = (parent or {}).get("metadata", {}).get("annotations") or {}
    return tuple(kind for kind in annotations.get(KINDS_ANNOTATION, "").split(",") if kind)
