"""Makes the bundle of a new release: everything rollback will ever need, in one record."""

from deployer.artifact import Artifact, artifact_uri
from deployer.plan.route_settings import guard_of, make_settings
from deployer.release.gates import GatesRecord
from deployer.release.records import (
    ArtifactRecord,
    Bundle,
    CanaryRecord,
    PriceRecord,
    TargetBundle,
    content_digest,
)
from deployer.rendering import RenderedTarget, content_objects, render_target
from deployer.snapshot.model import Snapshot
from deployer.spec import Spec, TargetSpec
from deployer.spec.strategy import Strategy

__all__ = ["content_of", "make_bundle"]

_EQUAL_WEIGHT = 100


def content_of(spec: Spec, artifact: Artifact, gates: GatesRecord) -> str:
    """Return the digest of all that makes a release what it is, its number left out."""
    objects = [
        content_objects(
            spec,
            target,
            artifact_digest=str(artifact.digest),
            artifact_uri=artifact_uri(target.store.url, artifact.digest),
        )
        for target in spec.targets
    ]
    settings = spec.model_dump(mode="json", include={"routing", "gates", "strategy"})
    guard = guard_of(
        spec.routing.guard, spec.file
    )  # beside what the spec says of it: the keys in the file it names
    more = [gates.model_dump(mode="json"), guard.model_dump(mode="json") if guard else None]
    return content_digest(artifact.digest, [objects, settings, *more])


def make_bundle(
    spec: Spec,
    artifact: Artifact,
    snapshot: Snapshot,
    *,
    number: int,
    gates: GatesRecord,
    tool: str,
) -> Bundle:
    """Return release ``number`` of ``spec`` with ``artifact``, complete."""
    targets = tuple(
        _target_bundle(spec, target, artifact, snapshot, number) for target in spec.targets
    )
    return Bundle(
        number=number,
        name=spec.name,
        created=snapshot.at,
        created_by=snapshot.author,
        tool=tool,
        label=spec.model.version or "",
        artifact=ArtifactRecord(
            digest=str(artifact.digest), size=artifact.size, files=len(artifact.files)
        ),
        config=spec.model_dump(mode="json", exclude={"model": {"path"}}),
        content=content_of(spec, artifact, gates),
        gates=gates,
        routing=make_settings(spec, snapshot, health_path=targets[0].ready_path),
        weights={target.name: _weight(spec, target.name) for target in spec.targets},
        soak_seconds=spec.strategy.soak,
        canary=_canary(spec.strategy),
        history=spec.strategy.history,
        targets=targets,
    )


def _target_bundle(
    spec: Spec, target: TargetSpec, artifact: Artifact, snapshot: Snapshot, number: int
) -> TargetBundle:
    rendered = _render(spec, target, artifact, number)
    return TargetBundle(
        target=target.name,
        cloud=target.provider,
        region=target.region,
        namespace=target.namespace,
        machine=target.machine,
        workload=rendered.workload,
        direct=rendered.direct,
        service=rendered.service,
        ready_path=rendered.ready_path,
        infer_path=rendered.infer_path,
        protocol=rendered.protocol,
        replicas=rendered.replicas,
        cpu=rendered.cpu,
        memory=rendered.memory,
        gpu=rendered.gpu,
        uri=artifact_uri(target.store.url, artifact.digest),
        endpoint=target.address,
        objects=tuple(rendered.objects),
        shift=rendered.shift,
        canary=rendered.canary,
        canary_endpoint=target.canary_address if rendered.canary else None,
        timeout_seconds=target.timeout,
        prices=_prices(snapshot, target.name),
    )


def _canary(strategy: Strategy) -> CanaryRecord | None:
    if strategy.type != "canary":
        return None
    return CanaryRecord(steps=strategy.canary_steps, hold_seconds=strategy.hold)


def _render(spec: Spec, target: TargetSpec, artifact: Artifact, number: int) -> RenderedTarget:
    return render_target(
        spec,
        target,
        release=number,
        artifact_digest=str(artifact.digest),
        artifact_uri=artifact_uri(target.store.url, artifact.digest),
    )


def _weight(spec: Spec, target: str) -> int:
    return spec.routing.weights.get(target, 0) if spec.routing.weights else _EQUAL_WEIGHT


def _prices(snapshot: Snapshot, target: str) -> tuple[PriceRecord, ...]:
    found = snapshot.targets.get(target)
    return found.prices if found else ()
