"""Advice as JSON; amounts with six decimals."""

from deployer.cost.advice.rank import Ranked
from deployer.report.advice import AdviceReport
from deployer.report.amounts import describe_amount
from deployer.report.documents import describe_time
from deployer.values import Json

__all__ = ["ADVICE_SCHEMA", "describe_advice"]

ADVICE_SCHEMA = "deployer/advice/v1"


def describe_advice(report: AdviceReport) -> dict[str, Json]:
    """Return the document of `ADVICE_SCHEMA`; savings are a month's."""
    return {
        "name": report.name,
        "at": describe_time(report.at),
        "saving": describe_amount(report.saving),
        "currency": report.saving.currency,
        "advice": [_describe(it) for it in report.ranked],
        "not_advised": [
            {"kind": it.kind, "target": it.target, "reason": it.reason} for it in report.silent
        ],
        "unknown_stores": dict(report.unseen),
        "assumptions": list(report.assumptions),
    }


def _describe(ranked: Ranked) -> dict[str, Json]:
    it, days = ranked.advice, ranked.advice.break_even_days
    return {
        "place": ranked.place,
        "counted": ranked.counted,
        "instead_of": ranked.instead_of,
        "kind": it.kind,
        "target": it.target,
        "do": it.do,
        "why": it.why,
        "saving": describe_amount(it.saving),
        "allocated": describe_amount(it.allocated),
        "one_off": describe_amount(it.one_off),
        "break_even_days": None if days is None else round(float(days), 1),
        "confidence": it.confidence,
        "what_would_change": list(it.changes),
        "blockers": list(it.blockers),
    }
