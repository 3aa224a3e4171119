"""Kubernetes objects as data, and what they are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Manifest", "ObjectRef", "group_kind"]

Manifest = Mapping[str, Any]
"""One Kubernetes object as JSON-like data."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """An object's name within the cluster's namespace."""

    api_version: str
    kind: str
    name: str

    @classmethod
    def of(cls, manifest: Manifest) -> "ObjectRef":
        """Return the ref of ``manifest``."""
        return cls(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"])

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def group_kind(api_version: str, kind: str) -> str:
    """Return ``Kind.group``, as ApplySets name kinds: ``Deployment.apps``, ``Service``."""
    group = api_version.rpartition("/")[0]
    return f"{kind}.{group}" if group else kind
