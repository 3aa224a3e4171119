"""``deployer report alerts``: how the month stands to its budget, what is odd, who is told."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.cells import NOTHING
from deployer.cli.options import Format, Output, SpecFile, Timeout
from deployer.cli.ran import SamplesFile
from deployer.errors import SourceError
from deployer.values import format_count

if TYPE_CHECKING:
    from deployer.cli.reading import Reader
    from deployer.cost.sums import Sum
    from deployer.ports import Notice, Notifier
    from deployer.report.outlook import Outlook
    from deployer.report.telling import Telling

__all__ = ["alerts", "show_alerts"]

_COLUMNS = (
    output.Column("of"),
    output.Column("so far", right=True),
    output.Column("forecast", right=True),
    output.Column("limit", right=True),
    output.Column("used", right=True, drop=1),
    output.Column("state"),
)
_WORST = ("exceeded", "unknown", "within")


def alerts(
    file: SpecFile = Path("deployer.yaml"),
    output_format: Output = Format.TABLE,
    send: Annotated[
        bool, typer.Option("--send", help="Tell the spec's channels what is new, each event once.")
    ] = False,
    samples: SamplesFile = None,
    timeout: Timeout = 5.0,
) -> None:
    """Hold the month against its budget, and find odd days.

    Prints the month to date and the forecast with its method, and what fires. With --send it goes
    to the webhooks, mails and files of `alerts:` in the spec; what was told is kept in the state,
    so that cron may run this on several machines. Exits 0 when nothing fires, 1 when something
    does, 3 when something is unknown or could not be told.

    Example: deployer report alerts --send
    """
    from deployer.alerting import open_notifiers
    from deployer.cli.reading import open_reader, unknown_without_state

    reader = open_reader(file)
    notifiers: tuple[Notifier, ...] = ()
    if send:
        notifiers = open_notifiers(reader.spec, probe=reader.probe, clock=reader.clock)
        if not notifiers:
            raise SourceError(
                f"{file}: nobody is to be told: the spec names no channel",
                hint="alerts: {webhooks: [{name: ops, url: …, secret: {env: …}}]}",
            )
    raise typer.Exit(
        unknown_without_state(
            lambda: show_alerts(
                reader, output_format, notifiers, samples=samples, timeout_seconds=timeout
            )
        )
    )


def show_alerts(
    reader: "Reader",
    output_format: Format,
    notifiers: "tuple[Notifier, ...]" = (),
    *,
    samples: Path | None = None,
    timeout_seconds: float = 5.0,
) -> int:
    """Look, price, tell, print; return the exit code."""
    from deployer.report.alert_documents import ALERTS_SCHEMA, describe_alerts
    from deployer.report.alerts import find_alerts
    from deployer.report.telling import tell_notices

    outlook = _look(reader, samples, timeout_seconds)
    notices = find_alerts(outlook)
    tellings = tell_notices(notices, notifiers, reader.state, reader.clock, holder=_who())
    if output_format is Format.JSON:
        output.print_json(ALERTS_SCHEMA, describe_alerts(outlook, notices, tellings))
    else:
        _print(outlook, notices, wide=output_format is Format.WIDE)
    for it in tellings:
        output.print_note(f"{it.channel}: {it.outcome}: {it.notice.title}{_why(it)}")
    return _exit_code(outlook, notices, tellings)


def _look(reader: "Reader", samples: Path | None, timeout_seconds: float) -> "Outlook":
    from deployer.cli.outlook import read_outlook
    from deployer.cli.reading import look_at
    from deployer.report.cost import build_cost_report

    seen = look_at(reader, timeout_seconds=timeout_seconds)
    books = {target: provider.prices for target, provider in reader.providers.items()}
    now = reader.clock.now()
    cost = build_cost_report(seen.head, seen.bundles, books, seen.observations, now=now)
    return read_outlook(reader, seen.head, cost, samples)


def _who() -> str:
    """Return a name that no other run has: two of one user on one machine tell an event once."""
    import uuid

    return uuid.uuid4().hex


def _exit_code(
    outlook: "Outlook", notices: "tuple[Notice, ...]", tellings: "tuple[Telling, ...]"
) -> int:
    from deployer.report.telling import Outcome

    unknown = outlook.month.unknown or any(it.kind == "budget-unknown" for it in notices)
    if unknown or any(it.outcome is Outcome.FAILED for it in tellings):
        return 3
    return 1 if notices else 0


def _print(outlook: "Outlook", notices: "tuple[Notice, ...]", *, wide: bool) -> None:
    typer.echo(_headline(outlook, notices))
    if outlook.forecasts:
        typer.echo()
        rows = [_cells(outlook, it.target, it.so_far, it.month) for it in outlook.forecasts]
        total = _cells(outlook, "", outlook.so_far, outlook.month)
        output.print_table(_COLUMNS, rows, footer=total, wide=wide)
    lines = [f"{it.title}: {' '.join(it.text.split())}" for it in notices]
    lines += [f"{it.target}: forecast is {it.method}" for it in outlook.forecasts]
    if outlook.gaps:
        lines.append(f"gap: {outlook.gaps:,.1f} h without samples are priced as releases ask")
    if lines:
        typer.echo()
        output.print_lines(lines, wide=wide)


def _headline(outlook: "Outlook", notices: "tuple[Notice, ...]") -> str:
    if not outlook.forecasts:
        return f"{outlook.name}: nothing is live, so nothing is forecast"
    fires = "nothing fires" if not notices else f"{format_count(len(notices), 'alert')}"
    so_far, month = _money(outlook.so_far), _money(outlook.month)
    return f"{outlook.name}: {so_far} USD so far this month, {month} forecast; {fires}"


def _cells(outlook: "Outlook", target: str, so_far: "Sum", month: "Sum") -> list[str]:
    found = [it for it in outlook.standings if it.target == target]
    state = next((word for word in _WORST if any(it.state == word for it in found)), NOTHING)
    basis = [it.basis for it in found if it.state == state]
    return [
        target or "all",
        _money(so_far),
        _money(month),
        f"{found[0].limit.amount:,.2f}" if found else NOTHING,
        f"{100 * found[0].share:,.0f} %" if found else NOTHING,
        f"{state} ({' and '.join(basis)})" if state in _WORST[:2] else state,
    ]


def _money(figure: "Sum") -> str:
    if figure.nothing:
        return "unknown"
    return f"{figure.known.amount:,.2f}{' + unknown' if figure.unknown else ''}"


def _why(telling: "Telling") -> str:
    return f": {telling.error}" if telling.error else ""
