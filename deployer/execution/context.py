"""What every step has at hand."""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from deployer.artifact import Artifact
from deployer.errors import DeployerError, RolloutError, SetupError
from deployer.execution.asking import ReleaseAnswers
from deployer.execution.events import Tell
from deployer.ports import Clock, Policy, Provider
from deployer.release.journal import Journal
from deployer.release.lease import Lease
from deployer.release.records import Bundle, TargetBundle
from deployer.release.state import StateStore
from deployer.transfer import Reader, SharedReads

__all__ = ["Context", "StoppedError"]


class StoppedError(DeployerError):
    """This target had to stop because another one failed; it is not to blame."""


@dataclass(slots=True)
class Context:
    """A run's surroundings.

    Attributes:
        source: The artifact on disk, when this run brings one.
        readers: Each target's way to its files, in a phase that pushes it: read once for all.
        answers: What the release answered, by target, for the gates that judge it.
        verdicts: What each gate said, by target.
        policies: What to do about fields that others own, as the spec says.
    """

    state: StateStore
    providers: Mapping[str, Provider]
    lease: Lease
    journal: Journal
    clock: Clock
    tell: Tell
    source: Artifact | None = None
    readers: Mapping[str, Reader] = field(default_factory=dict)
    bundles: dict[int, Bundle] = field(default_factory=dict)
    answers: dict[str, ReleaseAnswers] = field(default_factory=dict)
    verdicts: dict[str, dict[str, str]] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    def provider(self, target: str) -> Provider:
        """Return what the target can do.

        Raises:
            SetupError: The spec has no such target any more.
        """
        if target not in self.providers:
            raise SetupError(
                f"{target}: the spec has no target of this name any more",
                hint="Put it back into the spec until what runs there is removed.",
            )
        return self.providers[target]

    def bundle(self, number: int) -> Bundle:
        """Return the release's bundle, read once."""
        if number not in self.bundles:
            self.bundles[number] = self.state.read_release(number)
        return self.bundles[number]

    def part(self, target: str, release: int) -> TargetBundle:
        """Return the target's part of the release.

        Raises:
            RolloutError: The release has none for it.
        """
        part = self.bundle(release).target(target)
        if part is None:
            raise RolloutError(f"release {release} does not run on {target}", release=release)
        return part

    def record(self, gate: str, target: str, verdict: str) -> None:
        """Keep what a gate said of the release, for its mark."""
        self.verdicts.setdefault(gate, {})[target] = verdict

    def forget(self, targets: Collection[str]) -> None:
        """Drop what the release answered on targets that it is taken back from."""
        for target in targets:
            self.answers.pop(target, None)
            for said in self.verdicts.values():
                said.pop(target, None)

    def check(self) -> None:
        """Return if this run may still write; called before every write.

        Raises:
            LeaseLostError: The lease is gone.
            StoppedError: The phase was told to stop, because another target failed.
        """
        if self.stopped.is_set():
            raise StoppedError("another target failed")
        self.lease.check()

    def for_phase(self, pushing: Sequence[str]) -> "Context":
        """Return the same surroundings with a stop signal of their own.

        A thread that was given up on keeps the old signal, set: it can write nothing more. The
        targets that are ``pushing`` read the model's files together.
        """
        reads = SharedReads(len(pushing))
        readers = {name: reads.reader(number) for number, name in enumerate(pushing)}
        return replace(self, stopped=threading.Event(), readers=readers)
