"""What of a month somebody should be told: budgets that are not kept, days that are odd; pure."""

import hashlib
from collections.abc import Iterator

from deployer.cost.standing import Standing
from deployer.cost.sums import Sum
from deployer.ports import Notice
from deployer.report.amounts import describe_amount
from deployer.report.outlook import Anomaly, Outlook
from deployer.values import Json

__all__ = ["find_alerts"]

_TITLES = {
    "budget-exceeded": "{who} has spent its budget of {limit} for {month}",
    "budget-forecast": "{who} will exceed its budget of {limit} in {month}",
    "budget-unknown": "whether {who} keeps within {limit} in {month} is unknown",
}
_NEXT = "deployer report advice says what could be saved; budget: in the spec is the limit."


def find_alerts(outlook: Outlook) -> tuple[Notice, ...]:
    """Return what fires, the spent budgets first.

    An event's id is made of what it is about: deployment, limit and month, or component and day. So
    it stays the same from run to run, and another limit makes another event. A budget that is spent
    is not told as one that will be; what is unknown is told once, whatever it is unknown by.
    """
    return (*_of_budgets(outlook), *(_of_anomaly(outlook, it) for it in outlook.anomalies))


def _of_budgets(outlook: Outlook) -> Iterator[Notice]:
    method = {it.target: it.method for it in outlook.forecasts}
    by_scope: dict[str, list[Standing]] = {}
    for standing in outlook.standings:
        by_scope.setdefault(standing.target, []).append(standing)
    for target, standings in by_scope.items():
        kinds = {it.basis: it.state for it in standings}
        shown = "; ".join(
            dict.fromkeys(method.values() if not target else [method.get(target, "")])
        )
        actual, forecast = standings
        if kinds["actual"] == "exceeded":
            yield _of_budget(outlook, "budget-exceeded", actual, forecast, shown)
        elif kinds["forecast"] == "exceeded":
            yield _of_budget(outlook, "budget-forecast", actual, forecast, shown)
        elif "unknown" in kinds.values():
            yield _of_budget(outlook, "budget-unknown", actual, forecast, shown)


def _of_budget(
    outlook: Outlook, kind: str, actual: Standing, forecast: Standing, method: str
) -> Notice:
    month, limit, target = f"{outlook.at:%Y-%m}", actual.limit, actual.target
    who = f"{outlook.name} on {target}" if target else outlook.name
    unknown = [f"Unknown: {reason}." for reason in forecast.figure.unknown]
    lines = [
        f"{_words(actual.figure)} so far, {_words(forecast.figure)} at the end of the month.",
        f"Forecast: {method}." if method else "",
        *unknown,
        _NEXT,
    ]
    return Notice(
        id=_identify(outlook.name, kind, target, month, str(limit.amount.normalize())),
        kind=kind,
        deployment=outlook.name,
        target=target,
        title=_TITLES[kind].format(who=who, limit=limit, month=month),
        text="\n".join(filter(None, lines)),
        at=outlook.at,
        facts={
            "month": month,
            "limit": describe_amount(limit),
            "month_to_date": _amount(actual.figure),
            "forecast": _amount(forecast.figure),
            "method": method,
            "unknown": list(forecast.figure.unknown),
            "currency": limit.currency,
        },
    )


def _of_anomaly(outlook: Outlook, found: Anomaly) -> Notice:
    score = found.score
    where = f"{outlook.name} on {score.target}"
    day = score.day.isoformat()
    change = "more" if score.score > 0 else "less"
    return Notice(
        id=_identify(outlook.name, "cost-anomaly", score.target, score.component, day),
        kind="cost-anomaly",
        deployment=outlook.name,
        target=score.target,
        title=f"{where}: {score.component} cost far {change} than usual on {day}",
        text=f"{score.cost} instead of {score.usual} a day (score {score.score:.1f}).\n"
        f"Cause: {found.cause}.",
        at=outlook.at,
        facts={
            "day": day,
            "component": score.component,
            "cost": describe_amount(score.cost),
            "usual": describe_amount(score.usual),
            "score": round(float(score.score), 2),
            "cause": found.cause,
            "currency": score.cost.currency,
        },
    )


def _identify(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _words(figure: Sum) -> str:
    if figure.nothing:
        return "unknown"
    return f"{figure.known} + unknown" if figure.unknown else str(figure.known)


def _amount(figure: Sum) -> Json:
    return None if figure.nothing else describe_amount(figure.known)
