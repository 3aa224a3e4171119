"""Pulling from whichever store answers: the digest proves the bytes, wherever they come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.artifact.model import Artifact
from deployer.artifact.pull import pull_artifact
from deployer.errors import DeployerError, SourceError
from deployer.ports import ObjectStore
from deployer.values import Digest

__all__ = ["Pulled", "Source", "pull_from_any"]

_SHORT_SECONDS = 10.0
_LONG_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Source:
    """A store, opened when its turn comes with the patience it gets: ``open(seconds)``."""

    url: str
    open: Callable[[float], ObjectStore]


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was pulled, from where, and why not from the ones before it."""

    artifact: Artifact
    store_url: str
    failures: tuple[str, ...] = ()


def pull_from_any(
    sources: Sequence[Source],
    digest: Digest,
    dest: Path,
    *,
    progress: Callable[[int], None] | None = None,
) -> Pulled:
    """Pull from the first source that works; only the last one gets the full patience.

    ``progress`` is told bytes as they are done, from several threads; those of a source that
    failed count again.

    Raises:
        DeployerError: None did; the first one's error, with a note on each of the others.
    """
    errors: list[DeployerError] = []
    for index, source in enumerate(sources):
        patience = _LONG_SECONDS if index == len(sources) - 1 else _SHORT_SECONDS
        try:
            artifact = pull_artifact(source.open(patience), digest, dest, progress=progress)
        except SourceError:
            raise
        except DeployerError as error:
            errors.append(error)
            continue
        failures = tuple(failed.message for failed in errors)
        return Pulled(artifact, source.url, failures)
    first, *rest = errors
    for other in rest:
        first.add_note(f"nor from elsewhere: {other.message}")
    raise first
