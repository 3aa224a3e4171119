"""The layers that a target's objects are made of: base, runtime, overlay, in this order."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from deployer.ports import Manifest
from deployer.spec.library import load_runtime, manifests_folder
from deployer.spec.model import RuntimeSpec, TargetSpec
from deployer.spec.tree import parse_trees, read_text
from deployer.values import Json

__all__ = ["Layer", "load_layers", "overlay_of", "runtime_layer"]

Layer = tuple[Manifest, ...]
"""Objects, or parts of objects to be merged into those of the layers before."""


def overlay_of(target: TargetSpec) -> str:
    """Return the overlay's name: a local cluster's is ``local``, whoever the provider is."""
    return "local" if target.cluster.local else target.provider.value


def load_layers(runtime: str | RuntimeSpec, overlay: str) -> tuple[Layer, ...]:
    """Return base, runtime and overlay. A provider without an overlay has the base as it is.

    Raises:
        SpecError: There is no runtime of that name.
    """
    root = manifests_folder()
    return (
        _load_folder(root / "base"),
        runtime_layer(runtime),
        _load_folder(root / "overlays" / overlay),
    )


def runtime_layer(runtime: str | RuntimeSpec) -> Layer:
    """Return the runtime's part: from the library, or made of the user's own image."""
    if isinstance(runtime, RuntimeSpec):
        return (_own_runtime(runtime),)
    load_runtime(runtime)
    return _load_folder(manifests_folder() / "runtimes" / runtime)


def _own_runtime(runtime: RuntimeSpec) -> Mapping[str, Json]:
    port = {"name": "http", "containerPort": runtime.port, "protocol": "TCP"}
    server: dict[str, Json] = {"name": "server", "image": runtime.image, "ports": [port]}
    if runtime.command:
        server["command"] = list(runtime.command)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "model"},
        "spec": {"template": {"spec": {"containers": [server]}}},
    }


@cache
def _load_folder(folder: Path) -> Layer:
    """Return the objects in a folder, by the names of their files; `runtime.yaml` is none."""
    files = sorted(file for file in folder.glob("*.yaml") if file.name != "runtime.yaml")
    return tuple(tree.data for file in files for tree in parse_trees(read_text(file), file=file))
