from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from deployer.cost.anomaly import Score
from deployer.cost.forecast import Forecast
from deployer.cost.standing import judge_month
from deployer.cost.sums import Sum
from deployer.errors import AccessDeniedError, ProviderError, StateError, TransientError
from deployer.ports import Notice, Notifier
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import Fault, FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.providers.local.outbox import Outbox
from deployer.release.state import StateStore
from deployer.report.alert_documents import describe_alerts
from deployer.report.alerts import find_alerts
from deployer.report.outlook import Anomaly, Outlook
from deployer.report.telling import Outcome, tell_notices
from deployer.spec.costs import Budget
from deployer.values import Money

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ODD = Score(
    target="aws",
    component="egress",
    day=date(2026, 11, 22),
    cost=Money(Decimal("12.5")),
    usual=Money(Decimal(2)),
    score=Decimal("35.25"),
    like=date(2026, 11, 3),
)


def outlook(
    so_far: str, month: str, *, limit: str = "100 USD", unknown: str = "", odd: bool = False
) -> Outlook:
    why = (unknown,) if unknown else ()
    figures = Sum(Money(Decimal(so_far)), why), Sum(Money(Decimal(month)), why)
    forecasts = (Forecast("aws", figures[0], figures[1], "month to date + mean"),)
    budget = Budget.model_validate({"monthly": limit})
    anomalies = (Anomaly(ODD, "1 to 6 predictions"),) if odd else ()
    standings = judge_month(budget, forecasts)
    return Outlook("iris", NOON, forecasts, standings, ODD.day, (ODD,), anomalies)


@pytest.mark.parametrize(
    ("so_far", "month", "unknown", "kinds"),
    [
        ("50", "99", "", []),
        ("50", "101", "", ["budget-forecast"]),
        ("101", "150", "", ["budget-exceeded"]),
        ("50", "99", "aws logs: no price", ["budget-unknown"]),
        ("50", "101", "aws logs: no price", ["budget-forecast"]),
    ],
)
def test_a_budget_fires_as_spent_or_as_forecast_and_as_unknown(
    so_far: str, month: str, unknown: str, kinds: list[str]
) -> None:
    found = find_alerts(outlook(so_far, month, unknown=unknown))
    assert [it.kind for it in found] == kinds
    for notice in found:
        assert "Forecast: month to date + mean." in notice.text
        assert (f"Unknown: {unknown}." in notice.text) is bool(unknown)


def test_an_odd_day_is_told_with_its_cause() -> None:
    (notice,) = find_alerts(outlook("1", "2", odd=True))
    assert notice.title == "iris on aws: egress cost far more than usual on 2026-11-22"
    assert "12.50 USD instead of 2.00 USD a day (score 35.2)" in notice.text
    assert "Cause: 1 to 6 predictions." in notice.text
    assert notice.facts["score"] == 35.25


def test_an_event_keeps_its_id_and_another_limit_or_month_is_another_event() -> None:
    (one,) = find_alerts(outlook("101", "150"))
    (later,) = find_alerts(outlook("140", "190"))
    (raised,) = find_alerts(outlook("140", "190", limit="120 USD"))
    (written,) = find_alerts(outlook("140", "190", limit="100.00 USD"))
    assert one.id == later.id == written.id
    assert raised.id != one.id


def test_the_document_has_amounts_states_and_what_was_told() -> None:
    seen = outlook("101", "150", unknown="aws logs: no price")
    document = describe_alerts(seen, find_alerts(seen))
    assert document["forecast"] == {
        "amount": "150.000000",
        "currency": "USD",
        "unknown": ["aws logs: no price"],
    }
    assert [it["state"] for it in document["budgets"]] == ["exceeded", "exceeded"]
    assert document["scores"][0]["score"] == 35.25
    nothing = outlook("0", "0", unknown="no price")
    assert describe_alerts(nothing, ())["forecast"]["amount"] is None


class Moody:
    """A channel that fails as it is told, then takes everything."""

    channel = "ops"

    def __init__(self, *errors: type[ProviderError]) -> None:
        self.errors = list(errors)
        self.taken: list[str] = []

    def send(self, notice: Notice) -> None:
        if self.errors:
            kind = self.errors.pop(0)
            raise kind("no", operation="send a notice to", resource="ops")
        self.taken.append(notice.id)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


def test_what_is_busy_is_tried_again_and_told_once(clock: ManualClock) -> None:
    state = StateStore("iris", [MemoryStore(clock)], clock)
    notices, moody = find_alerts(outlook("101", "150")), Moody(TransientError, TransientError)
    first = tell_notices(notices, [moody], state, clock, holder="a")
    second = tell_notices(notices, [moody], state, clock, holder="b")
    assert [it.outcome for it in (*first, *second)] == [Outcome.TOLD, Outcome.KNOWN]
    assert moody.taken == [notices[0].id]


def test_a_channel_that_fails_holds_up_no_other_and_can_be_tried_again_at_once(
    clock: ManualClock, tmp_path: Path
) -> None:
    state = StateStore("iris", [MemoryStore(clock)], clock)
    notices, denied = find_alerts(outlook("101", "150")), Moody(AccessDeniedError)
    file = tmp_path / "log.jsonl"
    channels: list[Notifier] = [denied, Outbox("log", file)]
    found = tell_notices(notices, channels, state, clock, holder="a")
    assert [it.outcome for it in found] == [Outcome.FAILED, Outcome.TOLD]
    assert describe_alerts(outlook("1", "1"), notices, found)["alerts"][0]["channels"] == {
        "ops": "no",
        "log": "told",
    }
    found = tell_notices(notices, channels, state, clock, holder="a")
    assert [it.outcome for it in found] == [Outcome.TOLD, Outcome.KNOWN]
    assert len(file.read_text().splitlines()) == 1


def test_nothing_is_told_while_nobody_knows_what_was(clock: ManualClock) -> None:
    store = FlakyStore(MemoryStore(clock), clock)
    store.down = True
    moody = Moody()
    with pytest.raises(StateError):
        tell_notices(
            find_alerts(outlook("101", "150")),
            [moody],
            StateStore("iris", [store], clock),
            clock,
            holder="a",
        )
    assert moody.taken == []


def test_what_was_told_and_could_not_be_recorded_is_no_success(clock: ManualClock) -> None:
    store = FlakyStore(MemoryStore(clock), clock)
    store.add_fault(Fault(on_call=2, method="put"))
    (found,) = tell_notices(
        find_alerts(outlook("101", "150")),
        [Moody()],
        StateStore("iris", [store], clock),
        clock,
        holder="a",
    )
    assert (found.outcome, found.error) == (
        Outcome.FAILED,
        "it was told, but that could not be recorded",
    )
