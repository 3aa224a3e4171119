"""Watching a release under traffic, as a canary or when it has all of it: pods and users."""

from dataclasses import dataclass, field

from deployer.errors import DeployerError, RolloutError, TransientError
from deployer.execution.analysis import open_analyst
from deployer.execution.canary_analysis import open_canary_analyst
from deployer.execution.context import Context
from deployer.execution.events import Event, Waiting
from deployer.execution.traffic_watcher import TrafficWatcher
from deployer.plan.model import Hold, Soak
from deployer.plan.scaling import workload_ref
from deployer.ports import Verdict

__all__ = ["watch_release"]

_POLL_SECONDS = 0.5
_FLAP_SECONDS = 10.0
_SAY_SECONDS = 10.0  # a line in a log for every request that comes would be too much


def watch_release(step: Soak | Hold, context: Context) -> str:
    """Watch; at the end, what is in trouble is watched on until it is well or has failed.

    So is a release of which too little traffic was seen, for as long as its gate waits.
    """
    watch = _Watch(step, context, _open_watcher(step, context))
    while not watch.look():
        context.clock.sleep(min(_POLL_SECONDS, step.seconds))
    return watch.conclude()


def _open_watcher(step: Soak | Hold, context: Context) -> TrafficWatcher | None:
    if isinstance(step, Hold):
        return open_canary_analyst(step, context)
    return open_analyst(step, context)


@dataclass(slots=True)
class _Watch:
    """One release that is watched.

    Attributes:
        lasted: Seconds since it began, at the last look.
        good: Of them, how many had passed when it was well last.
        awaited: What it is watched on for, beyond its time, as it was said last; empty before.
    """

    step: Soak | Hold
    context: Context
    watcher: TrafficWatcher | None
    lasted: float = 0.0
    good: float = 0.0
    awaited: str = ""
    _began: float = field(init=False)
    _said: float = -_SAY_SECONDS

    def __post_init__(self) -> None:
        self._began = self.context.clock.monotonic()

    def look(self) -> bool:
        """Look at pods and users; return whether enough was seen.

        Raises:
            RolloutError: Enough to refuse the release.
            TransientError: Its cluster has not answered for too long.
        """
        self.context.check()
        trouble = self._find_trouble()
        if self.watcher is not None:
            self.watcher.look()
        self.lasted = self.context.clock.monotonic() - self._began
        if trouble is None:
            self.good = self.lasted
        elif self.lasted - self.good > min(_FLAP_SECONDS, self.step.seconds / 2):
            raise trouble
        if self.lasted >= self.step.seconds and not self._await_traffic():
            return trouble is None
        self._tell()
        return False

    def conclude(self) -> str:
        """Return what was seen; see `TrafficWatcher.conclude`."""
        step = self.step
        if self.watcher is None:
            return f"{step.seconds:g} s"
        seen = self.watcher.conclude()
        gate = "analysis" if isinstance(step, Soak) else f"canary {step.percent} %"
        self.context.record(gate, step.target, seen)
        lasted = round(self.lasted) if self.awaited else step.seconds
        return f"{lasted:g} s: {seen}"

    def _await_traffic(self) -> bool:
        """Return whether more is to be seen first."""
        watcher = self.watcher
        if watcher is None:
            return False
        left = self.step.seconds + watcher.patience - self.lasted
        if left <= 0:
            return False
        doubt = watcher.find_doubt()
        if doubt and self.lasted - self._said >= _SAY_SECONDS:
            self._said = self.lasted
            self.awaited = f"{doubt}; at most {left:.0f} s more"
        return bool(doubt)

    def _find_trouble(self) -> DeployerError | None:
        step, context = self.step, self.context
        ref = workload_ref(context.part(step.target, step.release))
        try:
            readiness = context.provider(step.target).cluster.readiness(ref)
        except TransientError as error:
            return TransientError(
                f"{step.target}: Deployment {ref.name}: {error.message}",
                operation="readiness",
                resource=ref.name,
            )
        if readiness.verdict is Verdict.READY:
            return None
        return RolloutError(
            f"{step.target}: release {step.release} did not stay ready: "
            f"{readiness.message or readiness.verdict}",
            release=step.release,
        )

    def _tell(self) -> None:
        step = self.step
        late = self.lasted - step.seconds
        objects = (Waiting("traffic", "awaited", late, self.awaited),) if self.awaited else ()
        detail = f"{self.lasted:.0f} of {step.seconds:g} s"
        event = Event("waiting", step.kind, step.kind, step.target, detail=detail, objects=objects)
        self.context.tell(event)
