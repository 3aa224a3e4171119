"""Which charts a page shows: cost by component, and quality once for each different result."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.report.charts import draw_bars, draw_confusion, draw_curves
from deployer.report.cost import CostReport
from deployer.report.quality import Quality, TargetQuality

if TYPE_CHECKING:
    from deployer.evaluation.curves import Curves

__all__ = ["Chart", "ChartGroup", "chart_cost", "chart_quality"]

_CLASSES_AT_MOST = 12
"""In a picture; more cannot be read. The metrics are of all."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with the words above it; ``svg`` is safe to put into a page."""

    title: str
    svg: str


@dataclass(frozen=True, slots=True)
class ChartGroup:
    """Pictures of one result, under a title; ``undefined`` says why there are no curves."""

    title: str
    charts: tuple[Chart, ...]
    undefined: str = ""


def chart_cost(report: CostReport) -> str:
    """Return the bill by target and component; empty when nothing of it is known."""
    rows = {
        target.target: {
            part.name: float(part.monthly.amount) for part in target.bill if part.monthly
        }
        for target in report.targets
    }
    if not any(map(any, rows.values())):
        return ""
    partial = [target.target for target in report.targets if target.partial]
    unit = report.known.currency
    return draw_bars("Cost of a month by target", rows, unit=unit, partial=partial)


def chart_quality(quality: Quality) -> tuple[ChartGroup, ...]:
    """Return the pictures of a classification; targets with equal answers share theirs."""
    if quality.holdout.task != "classification":
        return ()
    groups: dict[object, list[TargetQuality]] = {}
    for target in quality.targets:
        if target.predictions is not None:
            found = target.predictions
            groups.setdefault((found.answers, found.probabilities), []).append(target)
    return tuple(_group(quality, members) for members in groups.values())


def _group(quality: Quality, members: list[TargetQuality]) -> ChartGroup:
    from deployer.evaluation.curves import trace_curves  # noqa: PLC0415 - needs an extra

    first, names = members[0], ", ".join(member.target for member in members)
    if first.scores is None or first.predictions is None:
        return ChartGroup(names, ())
    curves = trace_curves(quality.holdout, first.predictions)
    charts = []
    if len(first.scores.classes) <= _CLASSES_AT_MOST:
        title = "Confusion"
        svg = draw_confusion(f"{title} of {names}", first.scores.classes, first.scores.confusion)
        charts.append(Chart(title, svg))
    if not curves.undefined and len(curves.roc) <= _CLASSES_AT_MOST:
        charts += _curves(names, curves)
    return ChartGroup(names, tuple(charts), curves.undefined)


def _curves(names: str, curves: "Curves") -> list[Chart]:
    roc, found = "ROC", "Precision and recall"
    calibration = "Calibration"
    return [
        Chart(
            roc,
            draw_curves(
                f"{roc} of {names}",
                curves.roc,
                x="false positive rate",
                y="true positive rate",
                diagonal=True,
            ),
        ),
        Chart(
            found,
            draw_curves(
                f"{found} of {names}",
                curves.precision_recall,
                x="recall",
                y="precision",
                diagonal=False,
            ),
        ),
        Chart(
            calibration,
            draw_curves(
                f"{calibration} of {names}",
                curves.calibration,
                x="probability given",
                y="share that is",
                diagonal=True,
                marked=True,
            ),
        ),
    ]
