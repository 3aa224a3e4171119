"""What a verdict on every target is made of: all witnesses asked, and what was promised."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.cost.samples import Sample, read_samples
from deployer.report.health import build_health_report
from deployer.report.objectives import Goal, judge_goals
from deployer.report.router_view import RouterView, look_at_router
from deployer.report.surroundings import Surroundings

if TYPE_CHECKING:
    from deployer.cli.reading import Deployment, Reader
    from deployer.report.health import HealthReport
    from deployer.spec.objectives import Slo

__all__ = ["Sources", "judge_health"]


@dataclass(frozen=True, slots=True)
class Sources:
    """Who else may be asked, and for how long.

    Attributes:
        router: A running router's address.
        samples: A file that `report sample` kept.
    """

    timeout_seconds: float
    router: str | None = None
    samples: Path | None = None


def judge_health(session: "Reader", seen: "Deployment", sources: Sources) -> "HealthReport":
    """Ask the router and the state's stores, count what is promised, and judge.

    Raises:
        SourceError: The samples cannot be read.
    """
    view = None
    if sources.router is not None:
        view = look_at_router(
            session.probe,
            sources.router,
            timeout_seconds=sources.timeout_seconds,
            name=session.spec.name,
        )
    slo = session.spec.slo
    books = [provider.prices.as_of for provider in session.providers.values()]
    survey = session.state.survey(timeout_seconds=sources.timeout_seconds)
    return build_health_report(
        seen.head,
        seen.bundles,
        seen.observations,
        now=session.clock.now(),
        router=view,
        goals=_judge_goals(session, slo, view, sources) if slo is not None else None,
        around=Surroundings(survey, min(books, default=None)),
    )


def _judge_goals(
    session: "Reader", slo: "Slo", view: RouterView | None, sources: Sources
) -> dict[str, tuple[Goal, ...]]:
    """Hold each target to what is promised: by the samples, and the router's counters as of now."""
    now = session.clock.now()
    counted: dict[str, list[Sample]] = {target.name: [] for target in session.spec.targets}
    for sample in read_samples(sources.samples) if sources.samples is not None else ():
        counted.setdefault(sample.target, []).append(sample)
    under = slo.latency.under if slo.latency is not None else None
    for target, tally in (view.tallies if view is not None else {}).items():
        latest = Sample(now, target, predictions=tally.requests, failures=tally.failures)
        counted.setdefault(target, []).append(replace(latest, speed=tally.speed(under)))
    return {target: judge_goals(slo, found, now) for target, found in counted.items()}
