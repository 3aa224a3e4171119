"""``deployer evaluate``: how good the live model is, on a labelled hold-out set."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.cells import NOTHING
from deployer.cli.options import Format, Output, SpecFile
from deployer.errors import SetupError, SourceError
from deployer.values import format_count

if TYPE_CHECKING:
    from collections.abc import Collection

    from deployer.cli.reading import Reader
    from deployer.evaluation import Comparison, ErrorChange, Score, Scores
    from deployer.evaluation.holdout import Task
    from deployer.report.quality import Exam, Quality, TargetQuality

__all__ = ["evaluate", "show_quality"]

_LABELS_SHOWN = 10
_CHANCE = 0.05
_PERCENTS = (50, 95, 99)


def evaluate(
    data: Annotated[
        Path,
        typer.Option("--data", metavar="CSV", help="Labelled rows: features, and the label last."),
    ],
    file: SpecFile = Path("deployer.yaml"),
    label: Annotated[
        str | None, typer.Option("--label", metavar="COLUMN", help="The label's column.")
    ] = None,
    regression: Annotated[
        bool,
        typer.Option("--regression", help="Labels are values, though they look like classes."),
    ] = False,
    query: Annotated[
        str | None,
        typer.Option("--query", metavar="COLUMN", help="A ranking: which query a row belongs to."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", "-t", metavar="NAME", help="Only this target. Repeatable."),
    ] = None,
    at_least: Annotated[
        list[str] | None,
        typer.Option(
            "--at-least",
            metavar="METRIC=VALUE",
            help="A threshold; of an error or a loss, the most it may be. Repeatable.",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="FILE", help="Compare with answers saved by an earlier -o json."
        ),
    ] = None,
    output_format: Output = Format.TABLE,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="SECONDS", min=1, help="How long a target may take."),
    ] = 120.0,
) -> None:
    """Score the live model of every target on labelled rows.

    Every target's live release is asked for every row, past the router. Exits 1 when a threshold
    is missed or targets of one release answer differently, 3 when a target is unknown.

    Example: deployer evaluate --data holdout.csv --at-least f1_macro=0.9
    """
    import importlib.util

    if importlib.util.find_spec("sklearn") is None:
        raise SetupError("metrics need scikit-learn", hint="pip install 'deployer[evaluate]'")
    from deployer.cli.reading import open_reader, unknown_without_state
    from deployer.evaluation import load_holdout
    from deployer.evaluation.metrics import compare_answers, score_predictions
    from deployer.report.quality import Exam, load_answers

    thresholds = _parse_thresholds(at_least or [])
    task: Task | None = "regression" if regression else None
    holdout = load_holdout(data, label=label, task=task, query=query)
    saved = load_answers(against, holdout) if against is not None else None
    session = open_reader(file)
    _check_targets(target or [], set(session.providers))
    exam = Exam(holdout, score_predictions, compare_answers, thresholds, saved)
    raise typer.Exit(
        unknown_without_state(
            lambda: show_quality(
                session, exam, output_format, only=target or (), timeout_seconds=timeout
            )
        )
    )


def show_quality(
    session: "Reader",
    exam: "Exam",
    output_format: Format,
    *,
    only: "Collection[str]" = (),
    timeout_seconds: float,
) -> int:
    """Ask, score, print, and return the exit code."""
    from deployer.cli.reading import read_releases
    from deployer.release.records import Head
    from deployer.report.quality import assess_quality
    from deployer.report.quality_document import QUALITY_SCHEMA, describe_quality

    head = session.state.read_head() or Head(name=session.spec.name)
    quality = assess_quality(
        exam,
        head,
        read_releases(session, set(head.live.values())),
        session.providers,
        only=only,
        timeout_seconds=timeout_seconds,
    )
    if output_format is Format.JSON:
        output.print_json(QUALITY_SCHEMA, describe_quality(quality))
    else:
        _print(quality, wide=output_format is Format.WIDE)
    return quality.exit_code


def _parse_thresholds(texts: list[str]) -> dict[str, float]:
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise SourceError(f"{text!r} is no threshold", hint="Write f1_macro=0.9.") from None
    return found


def _check_targets(wanted: list[str], known: set[str]) -> None:
    for name in wanted:
        if name not in known:
            raise SourceError(
                f"no target is called {name!r}", hint=f"The spec has {', '.join(sorted(known))}."
            )


def _print(quality: "Quality", *, wide: bool) -> None:
    holdout = quality.holdout
    typer.echo(
        f"{quality.name}: {holdout.task} of {holdout.label} on {format_count(len(holdout), 'row')}"
    )
    answered = [target for target in quality.targets if target.scores is not None]
    if answered:
        typer.echo()
        _print_metrics(answered, wide=wide)
    for target in _distinct(answered):
        _print_confusion(target)
    remarks = _remarks(quality)
    if remarks:
        typer.echo()
    for line in remarks:
        typer.echo(line)


def _print_metrics(targets: "list[TargetQuality]", *, wide: bool) -> None:
    columns = [output.Column("metric")]
    columns += [output.Column(f"{it.target} r{it.release}", right=True) for it in targets]
    names = list(targets[0].scores.metrics) if targets[0].scores is not None else []
    rows = [[name, *(_metric_cell(it.scores, name) for it in targets)] for name in names]
    rows += [
        [f"p{percent} of a request", *(_latency(it, percent) for it in targets)]
        for percent in _PERCENTS
    ]
    output.print_table(columns, rows, wide=wide)


def _metric_cell(scores: "Scores | None", name: str) -> str:
    score = scores.metrics.get(name) if scores is not None else None
    return NOTHING if score is None else _format_score(score)


def _format_score(score: "Score") -> str:
    if score.value is None:
        return "undefined"
    if score.low is None or score.high is None:
        return f"{score.value:.4f}"
    return f"{score.value:.4f} ({score.low:.3f} to {score.high:.3f})"


def _latency(target: "TargetQuality", percent: int) -> str:
    """Return the nearest-rank percentile: a request that was really seen."""
    seconds = sorted(target.predictions.seconds) if target.predictions is not None else []
    rank = math.ceil(len(seconds) * percent / 100)
    return f"{seconds[rank - 1] * 1000:.0f} ms" if seconds else NOTHING


def _distinct(targets: "list[TargetQuality]") -> "list[TargetQuality]":
    """Return one target for each different confusion matrix: three equal ones say nothing more."""
    seen: list[TargetQuality] = []
    for target in targets:
        if all(_matrix(target) != _matrix(other) for other in seen):
            seen.append(target)
    return [target for target in seen if _matrix(target)]


def _matrix(target: "TargetQuality") -> tuple[tuple[int, ...], ...]:
    return target.scores.confusion if target.scores is not None else ()


def _print_confusion(target: "TargetQuality") -> None:
    scores = target.scores
    if scores is None or len(scores.classes) > _LABELS_SHOWN:
        return
    typer.echo(f"\n{target.target}: rows are what is true, columns what was answered")
    columns = [output.Column(""), *(output.Column(str(it), right=True) for it in scores.classes)]
    columns += [output.Column(title, right=True) for title in ("precision", "recall", "f1")]
    rows = [
        [
            str(each.label),
            *(str(cell) for cell in cells),
            f"{each.precision:.3f}",
            f"{each.recall:.3f}",
            f"{each.f1:.3f}",
        ]
        for each, cells in zip(scores.per_class, scores.confusion, strict=True)
    ]
    output.print_table(columns, rows)


def _remarks(quality: "Quality") -> list[str]:
    lines = [f"{it.target}: unknown: {it.unknown}" for it in quality.targets if it.unknown]
    first = next((it.scores for it in quality.targets if it.scores is not None), None)
    if first is not None:
        known = [f"{value:.4f} by {name}" for name, value in first.baseline.items()]
        metric = "accuracy" if quality.holdout.task == "classification" else "mae"
        lines.append(f"without looking at the input, {metric} is {' and '.join(known)}")
        reasons = {score.undefined for score in first.metrics.values() if score.undefined}
        lines += [f"undefined: {reason}" for reason in sorted(reasons)]
    for target in quality.targets:
        lines += _target_remarks(target)
    for name, texts in quality.missed.items():
        lines += [f"{name}: missed: {text}" for text in texts]
    if not quality.targets:
        lines.append("nothing is live, so there is nothing to evaluate")
    return lines


def _target_remarks(target: "TargetQuality") -> list[str]:
    lines = []
    if target.differs is not None and target.differs.share:
        row, there, here = target.differs.examples[0]
        lines.append(
            f"{target.target}: answers {target.differs.share:.1%} of the rows differently from the "
            f"first target of its release (row {row + 1}: {there!r} there, {here!r} here)"
        )
    if target.comparison is not None:
        lines.append(f"{target.target}: {_compared(target.comparison)}")
    return lines


def _compared(found: "Comparison | ErrorChange") -> str:
    from deployer.evaluation import Comparison

    if isinstance(found, Comparison):
        verdict = "may be chance" if found.p_value > _CHANCE else "is more than chance"
        return (
            f"{found.only_second} rows are right only now, {found.only_first} "
            f"were right only before; that {verdict} (McNemar's p = {found.p_value:.3f})"
        )
    verdict = "may be chance" if found.low <= 0 <= found.high else "is more than chance"
    return (
        f"mae is {abs(found.change):.4f} {'higher' if found.change > 0 else 'lower'} than before; "
        f"that {verdict} (the change is {found.low:.4f} to {found.high:.4f}, paired bootstrap)"
    )
