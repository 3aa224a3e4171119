"""What a command works with: the spec, its targets' providers, the state, the clock."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from deployer.artifact import Artifact
from deployer.execution.context import Context
from deployer.execution.events import Event, Tell
from deployer.execution.gates import load_gates
from deployer.execution.run import who
from deployer.ports import Clock, Policy, Probe, Provider
from deployer.release.gates import GatesRecord
from deployer.release.journal import Journal
from deployer.release.lease import acquire_lease
from deployer.release.state import StateStore
from deployer.snapshot import Place, Snapshot, take_snapshot
from deployer.spec import Spec
from deployer.values import Digest

__all__ = ["Session"]


@dataclass(frozen=True, slots=True)
class Session:
    """Everything opened for one spec; opening it touched no network."""

    spec: Spec
    providers: Mapping[str, Provider]
    state: StateStore
    probe: Probe
    clock: Clock
    tool: str

    def gates(self) -> GatesRecord:
        """Return the gates with what the files say that the spec names; see `load_gates`."""
        return load_gates(self.spec)

    @property
    def policies(self) -> dict[str, Policy]:
        """What to do about fields that others own."""
        return {field: Policy(word) for field, word in self.spec.conflicts.items()}

    def snapshot(self, digest: Digest) -> Snapshot:
        """Read the state and every target; ``digest`` is the artifact that is looked for."""
        places = {
            target.name: Place(
                self.providers[target.name],
                target.region,
                target.machine,
                option="spot" if target.nodes.spot else "on-demand",
            )
            for target in self.spec.targets
        }
        return take_snapshot(places, self.state, digest, clock=self.clock, author=who())

    @contextmanager
    def hold_lease(
        self, tell: Tell, *, source: Artifact | None, takeover: bool
    ) -> Iterator[Context]:
        """Yield a context whose lease is held and whose run is new; give the lease back after.

        Raises:
            LeaseHeldError: Another run holds it.
        """
        run = uuid.uuid4().hex[:8]
        lease = acquire_lease(
            self.state,
            holder=who(),
            run=run,
            seconds=self.spec.state.lease,
            takeover=takeover,
        )
        journal = Journal(self.state, run, lease.token, self.clock)
        try:
            yield Context(
                state=self.state,
                providers=self.providers,
                lease=lease,
                journal=journal,
                clock=self.clock,
                tell=tell,
                source=source,
                policies=self.policies,
                probe=self.probe,
            )
        finally:
            if not lease.release():
                tell(_unreleased(run))


def _unreleased(run: str) -> Event:
    return Event("run", detail=f"the lease of run {run} could not be given back; it runs out alone")
