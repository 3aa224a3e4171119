"""The router's own objects: ``manifests/router`` for one deployment.

Everything there is called ``deployer-router`` and gets the deployment's name in front. The spec
goes into the ConfigMap without what a router has no use for: it reads the state, no more.
"""

from pathlib import Path

from deployer.ports import Manifest
from deployer.rendering.library import load_folder
from deployer.rendering.text import format_yaml
from deployer.spec.library import manifests_folder
from deployer.spec.model import Spec
from deployer.values import Json, digest_of

__all__ = ["render_router"]

_CALLED = "deployer-router"
_FILE = "deployer.yaml"
_PARTS = {"name", "model", "targets", "state"}


def render_router(
    spec: Spec, *, image: str, namespace: str | None = None, replicas: int = 2, most: int = 10
) -> list[Manifest]:
    """Return the objects that run routers for the spec's deployment.

    A changed spec gives the pods another annotation, so that they are replaced: it is read once.

    Args:
        namespace: Left to whoever applies them when None.
        replicas: How many there are at least.
    """
    text = _write_spec(spec)
    objects = [_rename(one, f"{spec.name}-router") for one in load_folder(_folder())]
    for one in objects:
        if namespace is not None:
            one["metadata"]["namespace"] = namespace
        if one["kind"] == "ConfigMap":
            one["data"] = {_FILE: text}
        elif one["kind"] == "HorizontalPodAutoscaler":
            one["spec"] |= {"minReplicas": replicas, "maxReplicas": max(replicas, most)}
        elif one["kind"] == "Deployment":
            _set_pod(one["spec"]["template"], image, text)
    return objects


def _folder() -> Path:
    return manifests_folder() / "router"


def _set_pod(template: Json, image: str, text: str) -> None:
    template["spec"]["containers"][0]["image"] = image
    template["metadata"]["annotations"] = {"deployer/spec": str(digest_of([text]))}


def _write_spec(spec: Spec) -> str:
    kept = spec.model_dump(mode="json", exclude_unset=True, include=_PARTS)
    return format_yaml([kept]).removeprefix("---\n")


def _rename(node: Json, name: str) -> Json:
    """Return a copy with the name in every place where ours stands."""
    if isinstance(node, dict):
        return {key: _rename(value, name) for key, value in node.items()}
    if isinstance(node, list):
        return [_rename(value, name) for value in node]
    return name if node == _CALLED else node
