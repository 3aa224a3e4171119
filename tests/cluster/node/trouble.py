"""Trouble on demand: a pod's annotations ask its node to treat it badly."""

from collections.abc import Mapping
from dataclasses import dataclass

from deployer.ports import Manifest

__all__ = ["Trouble", "read_trouble"]

_PREFIX = "trouble.test/"
_MISSING = ":missing"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is to happen to a pod.

    Attributes:
        pull: Annotation ``trouble.test/pull``: why its images cannot be pulled. An image with the
            tag ``missing`` can never be.
        pull_seconds: ``trouble.test/pull-seconds``: how long pulling them takes.
        crash_seconds: ``trouble.test/crash-after``: its containers abort this long after a start.
        memory_seconds: ``trouble.test/out-of-memory-after``: the kernel kills them then, and the
            node says ``OOMKilled``.
    """

    pull: str = ""
    pull_seconds: float = 0.0
    crash_seconds: float | None = None
    memory_seconds: float | None = None

    def why_not_pulled(self, image: str) -> str:
        """Return why the image cannot be pulled; empty when it can."""
        return "manifest unknown" if image.endswith(_MISSING) else self.pull


def read_trouble(pod: Manifest) -> Trouble:
    """Return what the pod's annotations ask for."""
    notes = pod["metadata"].get("annotations") or {}
    return Trouble(
        pull=notes.get(f"{_PREFIX}pull", ""),
        pull_seconds=_seconds(notes, "pull-seconds") or 0.0,
        crash_seconds=_seconds(notes, "crash-after"),
        memory_seconds=_seconds(notes, "out-of-memory-after"),
    )


def _seconds(notes: Mapping[str, str], name: str) -> float | None:
    value = notes.get(_PREFIX + name)
    return None if value is None else float(value)
