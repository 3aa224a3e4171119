"""``deployer report all``: health, cost, advice and quality in one page or one document."""

import importlib.util
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.options import RouterUrl, SpecFile, Timeout
from deployer.cli.ran import SamplesFile
from deployer.errors import SetupError, SourceError

if TYPE_CHECKING:
    from deployer.cli.reading import Deployment, Reader
    from deployer.evaluation import Holdout
    from deployer.report.advice import AdviceReport
    from deployer.report.cost import CostReport
    from deployer.report.health import HealthReport
    from deployer.report.quality import Quality
    from deployer.upkeep import Upkeep

__all__ = ["PageFormat", "report_all", "show_all"]

_SCHEMA = "deployer/report/v1"
_PREDICT_SECONDS = 120.0


class PageFormat(StrEnum):
    """How everything at once is shown."""

    HTML = "html"
    JSON = "json"


def report_all(
    file: SpecFile = Path("deployer.yaml"),
    output_format: Annotated[
        PageFormat, typer.Option("--output", "-o", help="html or json.", show_default=True)
    ] = PageFormat.HTML,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Write it there, not to stdout.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="CSV", help="Labelled rows, for the quality of the model."),
    ] = None,
    samples: SamplesFile = None,
    timeout: Timeout = 5.0,
    router: RouterUrl = None,
) -> None:
    """Write health, cost, advice and quality into one page.

    One HTML file with its charts in it that needs nothing else, for a mail, a wiki or a printer.
    Quality is there when labelled rows are given. Exits as report health does.

    Example: deployer report all --data holdout.csv --to report.html
    """
    from deployer.cli.reading import open_reader, unknown_without_state
    from deployer.evaluation import load_holdout
    from deployer.wiring import open_upkeep

    _demand_extras(html=output_format is PageFormat.HTML, metrics=data is not None)
    holdout = load_holdout(data) if data is not None else None
    session = open_reader(file)
    raise typer.Exit(
        unknown_without_state(
            lambda: show_all(
                session,
                output_format,
                holdout,
                to=to,
                timeout_seconds=timeout,
                router=router,
                samples=samples,
                upkeep=open_upkeep(file),
            )
        )
    )


def show_all(
    session: "Reader",
    output_format: PageFormat,
    holdout: "Holdout | None" = None,
    *,
    to: Path | None = None,
    timeout_seconds: float,
    router: str | None = None,
    samples: Path | None = None,
    upkeep: "Upkeep | None" = None,
) -> int:
    """Look, judge, price, advise, ask; print or write; return the exit code of the health.

    Raises:
        SourceError: The file cannot be written.
    """
    from deployer.cli.advice import read_advice
    from deployer.cli.health import Sources, judge_health
    from deployer.cli.reading import look_at
    from deployer.report.cost import build_cost_report

    seen = look_at(session, timeout_seconds=timeout_seconds)
    now = session.clock.now()
    prices = {target: provider.prices for target, provider in session.providers.items()}
    health = judge_health(session, seen, Sources(timeout_seconds, router))
    cost = build_cost_report(seen.head, seen.bundles, prices, seen.observations, now=now)
    quality = _assess(session, seen, holdout) if holdout is not None else None
    advice = read_advice(session, seen, cost, samples=samples, upkeep=upkeep)
    text = _render(output_format, health, cost, quality, advice)
    if to is None:
        typer.echo(text)
    else:
        _write(to, text)
    return health.exit_code


def _demand_extras(*, html: bool, metrics: bool) -> None:
    wanted = {"jinja2": html, "matplotlib": html, "sklearn": metrics}
    for module, needed in wanted.items():
        if needed and importlib.util.find_spec(module) is None:
            extra = "evaluate" if module == "sklearn" else "html"
            raise SetupError(f"the page needs {module}", hint=f"pip install 'deployer[{extra}]'")


def _assess(session: "Reader", seen: "Deployment", holdout: "Holdout") -> "Quality":
    from deployer.evaluation.metrics import compare_answers, score_predictions
    from deployer.report.quality import Exam, assess_quality

    exam = Exam(holdout, score_predictions, compare_answers)
    return assess_quality(
        exam, seen.head, seen.bundles, session.providers, timeout_seconds=_PREDICT_SECONDS
    )


def _render(
    output_format: PageFormat,
    health: "HealthReport",
    cost: "CostReport",
    quality: "Quality | None",
    advice: "AdviceReport",
) -> str:
    from deployer import __version__
    from deployer.report.advice_document import describe_advice
    from deployer.report.documents import describe_cost, describe_health
    from deployer.report.page import render_page
    from deployer.report.quality_document import describe_quality

    if output_format is PageFormat.HTML:
        return render_page(health, cost, quality, tool=f"deployer {__version__}", advice=advice)
    return output.format_json(
        _SCHEMA,
        {
            "health": describe_health(health),
            "cost": describe_cost(cost),
            "advice": describe_advice(advice),
            "quality": describe_quality(quality) if quality is not None else None,
        },
    )


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{file}: the report cannot be written: {error.strerror}") from error
    output.print_note(f"wrote {file}")
