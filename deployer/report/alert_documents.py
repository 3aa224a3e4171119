"""How the month stands and what fires, as JSON; amounts with six decimals, unknown as null."""

from collections.abc import Sequence

from deployer.cost.sums import Sum
from deployer.ports import Notice
from deployer.report.amounts import describe_amount
from deployer.report.documents import describe_time
from deployer.report.outlook import Outlook
from deployer.report.telling import Telling
from deployer.values import Json

__all__ = ["ALERTS_SCHEMA", "describe_alerts"]

ALERTS_SCHEMA = "deployer/alerts/v1"


def describe_alerts(
    outlook: Outlook, notices: Sequence[Notice], tellings: Sequence[Telling] = ()
) -> dict[str, Json]:
    """Return the document of `ALERTS_SCHEMA`."""
    return {
        "name": outlook.name,
        "at": describe_time(outlook.at),
        "month_to_date": _describe_sum(outlook.so_far),
        "forecast": _describe_sum(outlook.month),
        "targets": [
            {
                "target": it.target,
                "month_to_date": _describe_sum(it.so_far),
                "forecast": _describe_sum(it.month),
                "method": it.method,
            }
            for it in outlook.forecasts
        ],
        "budgets": [
            {
                "target": it.target or None,
                "basis": it.basis,
                "limit": describe_amount(it.limit),
                "state": it.state,
            }
            for it in outlook.standings
        ],
        "scored_day": outlook.day.isoformat(),
        "scores": [
            {
                "target": it.target,
                "component": it.component,
                "cost": describe_amount(it.cost),
                "usual": describe_amount(it.usual),
                "score": round(float(it.score), 2),
            }
            for it in outlook.scores
        ],
        "alerts": [_describe_notice(it, tellings) for it in notices],
    }


def _describe_notice(notice: Notice, tellings: Sequence[Telling]) -> dict[str, Json]:
    return {
        "id": notice.id,
        "kind": notice.kind,
        "target": notice.target or None,
        "title": notice.title,
        "text": notice.text,
        "facts": dict(notice.facts),
        "channels": {
            it.channel: it.error or it.outcome.value for it in tellings if it.notice is notice
        },
    }


def _describe_sum(figure: Sum) -> dict[str, Json]:
    return {
        "amount": None if figure.nothing else describe_amount(figure.known),
        "currency": figure.known.currency,
        "unknown": list(figure.unknown),
    }
