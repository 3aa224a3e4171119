"""An evaluation as a JSON document."""

from dataclasses import asdict

from deployer.evaluation import Scores
from deployer.report.quality import Quality, TargetQuality
from deployer.values import Json

__all__ = ["QUALITY_SCHEMA", "describe_quality"]

QUALITY_SCHEMA = "deployer/quality/v1"


def describe_quality(quality: Quality) -> dict[str, Json]:
    """Return the document of `QUALITY_SCHEMA`; what is undefined is null, with its reason."""
    holdout = quality.holdout
    return {
        "name": quality.name,
        "task": holdout.task,
        "label": holdout.label,
        "features": list(holdout.names),
        "rows": len(holdout),
        "exit_code": quality.exit_code,
        "missed": {name: list(texts) for name, texts in quality.missed.items()},
        "targets": [_target(target) for target in quality.targets],
    }


def _target(target: TargetQuality) -> dict[str, Json]:
    found, differs, comparison = target.predictions, target.differs, target.comparison
    return {
        "target": target.target,
        "release": target.release,
        "unknown": target.unknown or None,
        **(_scores(target.scores) if target.scores is not None else {}),
        "differs": None
        if differs is None
        else {"share": differs.share, "examples": [list(example) for example in differs.examples]},
        "comparison": None if comparison is None else asdict(comparison),
        "request_seconds": [] if found is None else [round(s, 6) for s in found.seconds],
        "answers": [] if found is None else list(found.answers),
    }


def _scores(scores: Scores) -> dict[str, Json]:
    return {
        "metrics": {
            name: {
                "value": score.value,
                "low": score.low,
                "high": score.high,
                "undefined": score.undefined or None,
            }
            for name, score in scores.metrics.items()
        },
        "classes": list(scores.classes),
        "confusion": [list(row) for row in scores.confusion],
        "per_class": [
            {
                "label": each.label,
                "precision": each.precision,
                "recall": each.recall,
                "f1": each.f1,
                "support": each.support,
            }
            for each in scores.per_class
        ],
        "baseline": dict(scores.baseline),
    }
