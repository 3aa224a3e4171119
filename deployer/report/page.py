"""Health, cost, advice and quality as one HTML page: nothing is fetched, nothing runs.

The page is made of the same documents that ``-o json`` prints. Needs the extra ``html``.
"""

from collections.abc import Sequence
from decimal import Decimal
from importlib.resources import files

from deployer.report.advice import AdviceReport
from deployer.report.advice_document import describe_advice
from deployer.report.cost import CostReport
from deployer.report.documents import describe_cost, describe_health, describe_time
from deployer.report.health import HealthReport
from deployer.report.page_charts import chart_cost, chart_quality
from deployer.report.quality import Quality
from deployer.report.quality_document import describe_quality
from deployer.values import Json

__all__ = ["render_page"]

_CENT = Decimal("0.01")
_NOTHING = "-"
"""Where nothing applies; not for what is unknown."""


def render_page(
    health: HealthReport,
    cost: CostReport,
    quality: Quality | None,
    *,
    tool: str,
    advice: AdviceReport | None = None,
) -> str:
    """Return the page; what is unknown is called so, with its reason."""
    import jinja2  # noqa: PLC0415 - an extra

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters |= _FILTERS
    template = environment.from_string(
        files("deployer.report").joinpath("page.html").read_text(encoding="utf-8")
    )
    priced, judged = describe_cost(cost), describe_quality(quality) if quality else None
    return template.render(
        name=health.name,
        headline=_headline(health),
        at=describe_time(health.at),
        health=describe_health(health),
        cost=priced,
        components=_components(priced["targets"]),
        unknowns=_unknowns(priced),
        advice=describe_advice(advice) if advice else None,
        quality=judged,
        answered=[it for it in judged["targets"] if not it["unknown"]] if judged else [],
        remarks=_remarks(judged) if judged else [],
        charts={
            "cost": chart_cost(cost),
            "quality": chart_quality(quality) if quality else (),
        },
        tool=tool,
    )


def _headline(health: HealthReport) -> str:
    if not health.targets:
        return "nothing is deployed"
    healthy = sum(target.state == "healthy" for target in health.targets)
    count = len(health.targets)
    return f"{health.state}, {healthy} of {count} target{'' if count == 1 else 's'} healthy"


def _components(targets: Sequence[Json]) -> list[str]:
    return list(dict.fromkeys(part["name"] for target in targets for part in target["bill"]))


def _unknowns(cost: Json) -> list[str]:
    """Say of every amount that is unknown why, equal reasons of a target once."""
    lines = [f"{name}: unknown: its release cannot be read" for name in cost["left_out"]]
    for target in cost["targets"]:
        reasons: dict[str, list[str]] = {}
        for part in target["bill"]:
            if part["monthly"] is None:
                reasons.setdefault(part["unknown"], []).append(part["name"])
        lines += [
            f"{target['target']}: {', '.join(names)} unknown: {why}"
            for why, names in reasons.items()
        ]
    return lines


def _remarks(quality: Json) -> list[str]:
    lines = [
        f"{it['target']}: unknown: {it['unknown']}" for it in quality["targets"] if it["unknown"]
    ]
    for target in quality["targets"]:
        differs = target["differs"]
        if differs and differs["share"]:
            lines.append(
                f"{target['target']}: answers {differs['share']:.1%} of the rows differently from "
                "the first target of its release"
            )
    return lines + [
        f"{name}: missed: {text}" for name, texts in quality["missed"].items() for text in texts
    ]


def _amount(amount: str | None) -> str:
    return "unknown" if amount is None else f"{Decimal(amount).quantize(_CENT):,}"


def _amount_or_none(amount: str) -> str:
    return _amount(amount) if Decimal(amount) else _NOTHING


def _total(total: Json) -> str:
    """A sum of which something is unknown is at least what is known of it."""
    if total["monthly"] is None:
        return "unknown"
    known = f"{_amount(total['monthly'])} {total['currency']}"
    return f"{known} + unknown" if total["partial"] else known


def _part(target: Json, name: str) -> str:
    found = [part for part in target["bill"] if part["name"] == name]
    return _amount(found[0]["monthly"]) if found else _NOTHING


def _column_sum(targets: Sequence[Json], name: str) -> str:
    amounts = [it["monthly"] for target in targets for it in target["bill"] if it["name"] == name]
    known = [Decimal(amount) for amount in amounts if amount is not None]
    if not known:
        return "unknown" if amounts else _NOTHING
    return f"{'≥ ' if len(known) < len(amounts) else ''}{sum(known, Decimal(0)).quantize(_CENT):,}"


def _ready(target: Json) -> str:
    ready, replicas = target["ready"], target["replicas"]
    return "unknown" if ready is None or replicas is None else f"{ready}/{replicas}"


def _endpoint(target: Json) -> str:
    status, seconds = target["probe_status"], target["probe_seconds"]
    if status is None or seconds is None:
        return "unknown"
    return f"{status} in {1000 * seconds:.0f} ms"


def _seen(target: Json) -> str:
    age = target["age_seconds"]
    if age is None:
        return "never"
    return "now" if age < 1 else f"{age:.0f} s before this page"


def _since(target: Json) -> str:
    minutes, seconds = divmod(round(target["since_seconds"]), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} m" if hours else f"{minutes} m {seconds} s"


def _score(score: Json) -> str:
    if score["value"] is None:
        return f"undefined: {score['undefined']}"
    if score["low"] is None:
        return f"{score['value']:.4f}"
    return f"{score['value']:.4f} ({score['low']:.3f} to {score['high']:.3f})"


def _counted(advice: Json) -> str:
    if advice["blockers"]:
        return "blocked"
    return "yes" if advice["counted"] else f"no: or {advice['instead_of']}"


_FILTERS = {
    "total": _total,
    "part": _part,
    "column_sum": _column_sum,
    "ready": _ready,
    "endpoint": _endpoint,
    "seen": _seen,
    "score": _score,
    "since": _since,
    "amount": _amount,
    "amount_or_none": _amount_or_none,
    "counted": _counted,
}
