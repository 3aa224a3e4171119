"""The layers that objects are made of: base, options, runtime, overlay, in this order."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from deployer.errors import SpecError
from deployer.ports import Manifest
from deployer.rendering.merge import merge_manifest
from deployer.spec.library import OVERLAY_FILE, RUNTIME_FILE, find_runtime, manifests_folder
from deployer.spec.model import Spec
from deployer.spec.service import RuntimeSpec
from deployer.spec.tree import parse_trees, read_text

__all__ = ["Layer", "load_folder", "load_layers", "runtime_layer"]

Layer = tuple[Manifest, ...]
"""Objects, or parts of objects to be merged into those of the layers before."""

_NO_OBJECTS = {RUNTIME_FILE, OVERLAY_FILE, "kustomization.yaml"}


def load_layers(spec: Spec, overlay: str, options: Sequence[str]) -> tuple[Layer, ...]:
    """Return the layers of ``spec``'s runtime on the overlay ``overlay`` with ``options`` on.

    An option has a folder of the library's own, a folder in the overlay, or both.

    Raises:
        SpecError: There is no runtime of that name, or it is no YAML.
    """
    root = manifests_folder()
    ours = root / "overlays" / overlay
    return (
        load_folder(root / "base"),
        *(load_folder(root / "options" / option) for option in options),
        runtime_layer(spec),
        load_folder(ours),
        *(load_folder(ours / option) for option in options),
    )


def runtime_layer(spec: Spec) -> Layer:
    """Return the runtime's part: from the library, from a folder, or for the user's own image."""
    if isinstance(spec.runtime, RuntimeSpec):
        [deployment] = load_folder(manifests_folder() / "runtimes" / "custom")
        return (merge_manifest(deployment, _own_image(spec.runtime)),)
    return load_folder(find_runtime(spec.runtime, spec.folder))


@cache
def load_folder(folder: Path) -> Layer:
    """Return the objects of a folder, by the names of its files; none when it is not there."""
    files = sorted(file for file in folder.glob("*.yaml") if file.name not in _NO_OBJECTS)
    return tuple(manifest for file in files for manifest in _load_file(file))


def _own_image(runtime: RuntimeSpec) -> Manifest:
    port = {"name": "http", "containerPort": runtime.port, "protocol": "TCP"}
    server = {
        "name": "server",
        "image": runtime.image,
        "ports": [{"$patch": "replace"}, port],
        **({"command": list(runtime.command)} if runtime.command else {}),
    }
    return {"spec": {"template": {"spec": {"containers": [server]}}}}


def _load_file(file: Path) -> Layer:
    trees = [tree for tree in parse_trees(read_text(file), file=file) if tree.data is not None]
    faults = [fault for tree in trees for fault in tree.faults(tree.findings)]
    if faults:
        raise SpecError(f"{file} is not understood", file=file, faults=faults)
    return tuple(tree.data for tree in trees)
