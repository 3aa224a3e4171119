"""The manifests that come with deployer: where they are, and what is said of them beside them.

``runtimes/NAME/runtime.yaml`` is a `Runtime`, ``overlays/NAME/overlay.yaml`` an `Overlay`; all
other YAML of the library is plain Kubernetes. A runtime may also be a folder of the user's own.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError

import deployer
from deployer.errors import Fault, SetupError, SpecError
from deployer.spec.part import Part
from deployer.spec.scalars import PATH, Quantity
from deployer.spec.service import Protocol
from deployer.spec.tree import TreePath, format_path, parse_trees, read_text
from deployer.values import Cloud

__all__ = [
    "OVERLAY_FILE",
    "RUNTIME_FILE",
    "Metrics",
    "NodeChoice",
    "Overlay",
    "Runtime",
    "Size",
    "find_runtime",
    "list_runtimes",
    "load_overlay",
    "load_runtime",
    "manifests_folder",
    "overlay_name",
]

RUNTIME_FILE = "runtime.yaml"
OVERLAY_FILE = "overlay.yaml"

T = TypeVar("T", bound=Part)


class Size(Part):
    """What one copy of a model server asks for, where the spec says nothing."""

    cpu: Quantity = "1"
    memory: Quantity = "1Gi"
    gpu: int = Field(0, ge=0)


class Metrics(Part):
    """Where a model server shows Prometheus metrics: the name of a container port, and a path."""

    port: str = "metrics"
    path: str = Field("/metrics", pattern=PATH)


class Runtime(Part):
    """``runtime.yaml``: what the core must know of a model server, apart from its manifests.

    Attributes:
        formats: What it serves, and for each the file names it looks for; none means any.
        ready, live, infer: Paths; ``{model}`` stands for the model's name.
        folder: Where the artifact's files go, below the model volume; ``{model}`` as above.
    """

    protocol: Protocol
    port: int = Field(ge=1, le=65535)
    ready: str = Field(pattern=PATH)
    live: str = Field(pattern=PATH)
    infer: str = Field(pattern=PATH)
    formats: Mapping[str, tuple[str, ...]]
    folder: str = ""
    metrics: Metrics | None = None
    resources: Size = Size()


class NodeChoice(Part):
    """Nodes that have any of these labels with this value, and the taints they may have.

    Attributes:
        labels: The value each label has; None where the user's own word is the value.
    """

    labels: Mapping[str, str | None] = Field(default_factory=dict)
    tolerations: tuple[dict[str, Any], ...] = ()


class Overlay(Part):
    """``overlay.yaml``: what the core must know of a kind of cluster, apart from its manifests.

    Attributes:
        expose: The ways in that there are; the first is the one without a word of the user's.
        identity: The ServiceAccount's annotation that names a cloud identity.
        spot, pool, accelerator, gpu: Nodes; `gpu` is for every pod that asks for one.
    """

    expose: tuple[Literal["load-balancer", "internal", "cluster", "ingress", "gateway"], ...]
    identity: str | None = None
    spot: NodeChoice | None = None
    pool: NodeChoice | None = None
    accelerator: NodeChoice | None = None
    gpu: NodeChoice = NodeChoice()


def manifests_folder() -> Path:
    """Return the library's folder: in the installed package, else in the source tree.

    Raises:
        SetupError: Neither is there.
    """
    package = Path(deployer.__file__).parent
    for folder in (package / "manifests", package.parent / "manifests"):
        if (folder / "base").is_dir():
            return folder
    raise SetupError(
        "the manifests that come with deployer are missing", hint="Install deployer again."
    )


def list_runtimes() -> tuple[str, ...]:
    """Return the names of the library's runtimes, in order."""
    folders = (manifests_folder() / "runtimes").iterdir()
    return tuple(sorted(folder.name for folder in folders if (folder / RUNTIME_FILE).is_file()))


def find_runtime(name: str, base: Path) -> Path:
    """Return a runtime's folder: the library's, or one relative to ``base`` if it has a ``/``."""
    own = "/" in name
    return base / Path(name).expanduser() if own else manifests_folder() / "runtimes" / name


def load_runtime(folder: Path) -> Runtime:
    """Return what the runtime in ``folder`` says of itself.

    Raises:
        SpecError: It says nothing, or something else than a `Runtime`; with every fault.
    """
    runtime: Runtime = _load(folder / RUNTIME_FILE, Runtime)
    return runtime


def overlay_name(provider: Cloud, *, local: bool) -> str:
    """Return which overlay a cluster has: a local one's is ``local``, whoever the provider is."""
    return Cloud.LOCAL.value if local else provider.value


def load_overlay(name: str) -> Overlay:
    """Return what the overlay ``name`` says of its clusters."""
    overlay: Overlay = _load(manifests_folder() / "overlays" / name / OVERLAY_FILE, Overlay)
    return overlay


@cache
def _load(file: Path, kind: type[T]) -> T:
    [tree, *_] = parse_trees(read_text(file), file=file)
    faults = tree.faults(tree.findings)
    if faults:
        raise _refuse(file, faults)
    try:
        return kind.model_validate(tree.data)
    except ValidationError as error:
        found = [(_path_of(item["loc"]), item["msg"]) for item in error.errors(include_url=False)]
    raise _refuse(
        file,
        [
            Fault(tree.place(path).line, tree.place(path).column, format_path(path), message)
            for path, message in found
        ],
    )


def _path_of(location: tuple[int | str, ...]) -> TreePath:
    return tuple(location)


def _refuse(file: Path, faults: list[Fault]) -> SpecError:
    return SpecError(f"{file} is not understood", file=file, faults=faults)
