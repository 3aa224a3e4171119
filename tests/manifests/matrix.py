"""Every runtime with every spec of this folder on every kind of cluster, rendered."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deployer.rendering import RenderedTarget, render_target
from deployer.rendering.library import load_folder
from deployer.spec import Spec, load_spec
from deployer.spec.library import list_runtimes, manifests_folder
from deployer.values import canonical_json

__all__ = ["CUSTOM", "Matrix", "distinct_objects", "objects_of", "render_matrix"]

CUSTOM = frozenset({"HTTPRoute", "ScaledObject", "ServiceMonitor"})
"""Kinds of other projects, which Kubernetes' own schemas do not have."""

Matrix = Mapping[str, RenderedTarget]
"""What is rendered, by runtime, spec and target."""

_OWN_IMAGE = "{image: mine, port: 9000, metrics: /metrics}"


def render_matrix(folder: Path) -> Matrix:
    """Return the whole matrix; ``folder`` is for its specs."""
    return dict(_render_all(folder))


def objects_of(rendered: RenderedTarget) -> list[Any]:
    """Return everything that is applied, the stable Service last."""
    return [*rendered.objects, rendered.shift]


def distinct_objects(matrix: Matrix) -> list[tuple[str, Any]]:
    """Return each object once, with where it was first met: most are the same for all.

    The router's own are among them, as they stand in their folder.
    """
    found = {
        canonical_json(manifest): ("router", manifest)
        for manifest in load_folder(manifests_folder() / "router")
    }
    found |= {
        canonical_json(manifest): (where, manifest)
        for where, rendered in matrix.items()
        for manifest in objects_of(rendered)
    }
    return list(found.values())


def _render_all(folder: Path) -> Iterator[tuple[str, RenderedTarget]]:
    for runtime in [*list_runtimes(), _OWN_IMAGE]:
        for source in sorted(Path(__file__).parent.glob("*.yaml")):
            file = folder / source.name
            file.write_text(source.read_text().replace("RUNTIME", runtime))
            yield from _render_spec(load_spec(file, environment={}), f"{runtime} {source.stem}")


def _render_spec(spec: Spec, where: str) -> Iterator[tuple[str, RenderedTarget]]:
    for target in spec.targets:
        rendered = render_target(
            spec,
            target,
            release=42,
            artifact_digest="sha256:" + "ab" * 32,
            artifact_uri=f"{target.store.url}/artifacts/sha256/{'ab' * 32}",
        )
        yield f"{where} {target.name}", rendered
