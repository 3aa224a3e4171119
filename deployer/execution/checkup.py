"""Looks the targets of a session over for the release that its spec would make."""

from collections.abc import Sequence

from deployer.artifact import artifact_uri
from deployer.execution.session import Session
from deployer.ports import Manifest
from deployer.preflight import Checkup, check_targets
from deployer.rendering import render_target
from deployer.values import Digest

__all__ = ["check_session"]

_DIGEST = Digest("0" * 64)  # what the objects are checked for does not depend on the model


def check_session(
    session: Session,
    *,
    only: Sequence[str] | None = None,
    thorough: bool,
    timeout_seconds: float,
) -> list[Checkup]:
    """Look every target over, or those in ``only``; see `check_targets`.

    Raises:
        SpecError: The objects cannot be rendered.
    """
    wanted = {target.name: target for target in session.spec.targets}
    objects = {name: _render(session, name) for name in (only or wanted)}
    return check_targets(
        session.providers,
        objects,
        session.clock,
        thorough=thorough,
        timeout_seconds=timeout_seconds,
    )


def _render(session: Session, name: str) -> list[Manifest]:
    target = session.spec.target(name)
    rendered = render_target(
        session.spec,
        target,
        release=1,
        artifact_digest=str(_DIGEST),
        artifact_uri=artifact_uri(target.store.url, _DIGEST),
    )
    return [*rendered.objects, rendered.shift, *rendered.canary]
