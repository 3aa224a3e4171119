"""What a release would apply, as text for people and for kubectl."""

from deployer.errors import SourceError
from deployer.rendering.render import render_target
from deployer.rendering.text import format_yaml
from deployer.spec.faults import suggest
from deployer.spec.model import Spec, TargetSpec
from deployer.values import Digest

__all__ = ["preview_targets"]


def preview_targets(spec: Spec, *, only: str | None, release: int, digest: str) -> str:
    """Return the objects of every target, or of the one called ``only``, as YAML documents.

    Raises:
        SpecError: As `render_target`.
        SourceError: There is no such target, or ``digest`` is no sha256.
    """
    artifact = _parse(digest)
    return "".join(
        f"# target {target.name}, release {release}\n{_render(spec, target, release, artifact)}"
        for target in _choose(spec, only)
    )


def _parse(digest: str) -> Digest:
    try:
        return Digest.parse(digest)
    except ValueError as error:
        raise SourceError(f"--digest: {error}", hint="`deployer push` prints it.") from error


def _choose(spec: Spec, only: str | None) -> tuple[TargetSpec, ...]:
    if only is None:
        return spec.targets
    names = [target.name for target in spec.targets]
    if only not in names:
        near = suggest(only, names) or f"; there are {', '.join(names)}"
        raise SourceError(f"no target is called {only!r}{near}")
    return (spec.target(only),)


def _render(spec: Spec, target: TargetSpec, release: int, artifact: Digest) -> str:
    uri = f"{target.store.url.rstrip('/')}/artifacts/sha256/{artifact.hex}"
    rendered = render_target(
        spec, target, release=release, artifact_digest=str(artifact), artifact_uri=uri
    )
    return format_yaml([*rendered.objects, rendered.shift])
