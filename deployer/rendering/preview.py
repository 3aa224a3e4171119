"""What a release would apply, as text for people and for kubectl."""

from deployer.artifact import artifact_uri, scan_artifact
from deployer.errors import SourceError
from deployer.rendering.render import render_target
from deployer.rendering.text import format_yaml
from deployer.spec.faults import suggest
from deployer.spec.formats import settle_format
from deployer.spec.model import Spec, TargetSpec
from deployer.values import Digest

__all__ = ["preview_targets"]


def preview_targets(spec: Spec, *, only: str | None, release: int, digest: str | None) -> str:
    """Return the objects of every target, or of the one called ``only``, as YAML documents.

    Without ``digest`` the model's files are read to know theirs.

    Raises:
        SpecError: As `render_target`, or the runtime cannot serve the model.
        SourceError: There is no such target or model, or ``digest`` is no sha256.
    """
    artifact = _scan(spec) if digest is None else _parse(digest)
    return "".join(
        f"# target {target.name}, release {release}\n{_render(spec, target, release, artifact)}"
        for target in _choose(spec, only)
    )


def _scan(spec: Spec) -> Digest:
    artifact = scan_artifact(spec.locate(spec.model.path))
    settle_format(spec, [file.path for file in artifact.files])
    return artifact.digest


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
    uri = artifact_uri(target.store.url, artifact)
    rendered = render_target(
        spec, target, release=release, artifact_digest=str(artifact), artifact_uri=uri
    )
    return format_yaml([*rendered.objects, rendered.shift, *rendered.canary])
