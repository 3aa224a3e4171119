import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cost.focus.columns import MANDATORY
from deployer.cost.focus.read import FileNotes, read_charges
from deployer.cost.ran import Window, price_ran
from deployer.cost.rates import freeze_prices
from deployer.cost.row import Part
from deployer.cost.samples import Sample
from deployer.cost.weights import SCAD
from deployer.providers.book import load_book
from deployer.release.records import Span
from deployer.report.focus import FOCUS_COLUMNS, write_focus
from deployer.report.ran import GroupBy, RanReport, build_ran_report
from deployer.report.ran_documents import (
    describe_ran,
    format_rounded,
    write_ran_csv,
    write_ran_markdown,
)
from deployer.values import Cloud

Maker = Callable[..., Any]
FIRST = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def make_report(make_part: Maker, make_bundle: Maker) -> Callable[..., RanReport]:
    """Return a maker of a report on two days of two targets, the second of an unknown machine."""

    def make(
        group_by: GroupBy = GroupBy.TARGET,
        *,
        machines: tuple[str, ...] = ("m6i.xlarge", "m9.large"),
        samples: tuple[Sample, ...] = (),
        hours: int = 48,
    ) -> RanReport:
        parts = [
            make_part(
                f"t{index}",
                machine=machine,
                prices=freeze_prices(load_book(), Cloud.AWS, "us-east-1", machine),
            )
            for index, machine in enumerate(machines)
        ]
        spans = [Span(target=part.target, release=42, began=FIRST) for part in parts]
        window = Window(FIRST, FIRST + timedelta(hours=hours))
        ran = price_ran(spans, {42: make_bundle(42, *parts)}, window, samples=samples)
        return build_ran_report("iris", ran, window, group_by=group_by, at=FIRST, weights=SCAD)

    return make


def test_the_total_is_summed_first_and_rounded_once(make_report: Maker) -> None:
    """Three balancers for a day: 3 x 24 x 0.0225 = 1.62, not 3 x 0.54 rounded on the way."""
    report = make_report(GroupBy.COMPONENT, machines=("m6i.xlarge",) * 3, hours=24)
    (balancer,) = [group for group in report.groups if group.key == "balancer"]
    assert balancer.total.known.amount.quantize(Decimal("1e-20")) == Decimal("1.62")


@pytest.mark.parametrize("group_by", list(GroupBy))
def test_the_groups_add_up_to_the_total(make_report: Maker, group_by: GroupBy) -> None:
    report = make_report(group_by, machines=("m6i.xlarge", "m6i.large"))
    known = sum(group.total.known.amount for group in report.groups)
    assert known == pytest.approx(report.total.total.known.amount, abs=Decimal("1e-20"))
    parts = sum(total.known.amount for total in report.total.parts.values())
    assert parts == pytest.approx(report.total.total.known.amount, abs=Decimal("1e-20"))
    assert not report.partial


@given(
    hours=st.integers(1, 100),
    machines=st.lists(st.sampled_from(["m6i.xlarge", "m9.large"]), min_size=1, max_size=3),
)
@settings(max_examples=15, deadline=None)
def test_the_total_is_the_sum_of_the_rows(
    make_report: Maker, hours: int, machines: list[str]
) -> None:
    report = make_report(hours=hours, machines=tuple(machines))
    rows = sum(row.amount.amount for row in report.ran.rows if row.amount)
    assert report.total.total.known.amount == rows
    assert report.partial == ("m9.large" in machines)


def test_what_is_unknown_is_named_and_never_nothing(make_report: Maker) -> None:
    report = make_report()
    known, unknown = report.groups
    assert format_rounded(known.total) != "unknown"
    assert format_rounded(unknown.parts[Part.ALLOCATED]) == "unknown"
    assert format_rounded(unknown.total).endswith(" + unknown")
    document = describe_ran(report)
    assert document["groups"][1]["parts"]["allocated"]["amount"] is None
    assert "m9.large" in document["groups"][1]["total"]["unknown"][0]


def test_a_thousand_predictions_cost_what_all_of_it_did(make_report: Maker) -> None:
    """An hour's cost over 600 of 1,000 answers that were successful, by 1,000.

    Machine 0.192, control plane 0.10, balancer 0.0225; 53.687 GB x 0.023 / 720 h = 0.001715;
    6,400 parts x 0.005/1,000 + 2 x 12,800 reads x 0.0004/1,000 = 0.04224; 1,000 KiB sent and
    2,000 KiB handled 0.0001045. All 0.35856, over 0.6: 0.59760.
    """
    samples = (
        Sample(FIRST, "t0", predictions=0),
        Sample(FIRST + timedelta(minutes=50), "t0", predictions=1_000, failures=400),
    )
    report = make_report(machines=("m6i.xlarge",), samples=samples, hours=1)
    (group,) = report.groups
    assert group.answered is not None
    assert group.answered.successful == 600
    assert group.per_thousand is not None
    assert group.per_thousand.amount == pytest.approx(
        group.total.known.amount / Decimal("0.6"), abs=Decimal("1e-20")
    )
    assert round(group.per_thousand.amount, 5) == Decimal("0.59760")
    assert report.total.per_thousand == group.per_thousand


def test_without_answers_there_is_no_price_of_one(make_report: Maker) -> None:
    report = make_report(machines=("m6i.xlarge",))
    assert [group.per_thousand for group in report.groups] == [None]
    assert describe_ran(report)["total"]["per_1000_predictions"] is None
    none = (
        Sample(FIRST, "t0", predictions=5),
        Sample(FIRST + timedelta(minutes=9), "t0", predictions=5),
    )
    assert make_report(machines=("m6i.xlarge",), samples=none, hours=1).total.per_thousand is None


def test_a_gap_is_in_the_document(make_report: Maker) -> None:
    report = make_report(samples=(Sample(FIRST, "t0", 1),), hours=3)
    assert describe_ran(report)["gaps"] == [
        {"target": "t0", "since": "2026-11-01T01:00:00Z", "until": "2026-11-01T03:00:00Z"}
    ]
    assert any(line.startswith("replicas: samples of t0") for line in report.assumptions)


def test_rows_as_csv_are_exact(make_report: Maker) -> None:
    report = make_report()
    rows = list(csv.DictReader(io.StringIO(write_ran_csv(report))))
    assert len(rows) == len(report.ran.rows)
    amounts = sum(Decimal(row["amount"]) for row in rows if row["amount"])
    assert amounts == report.total.total.known.amount
    assert [row["amount"] for row in rows if row["component"] == "machines"] == ["", ""]


def test_a_table_for_a_pull_request_has_totals_and_what_is_unknown(make_report: Maker) -> None:
    text = write_ran_markdown(make_report())
    assert "| target | allocated | idle | overhead | shared | own | total |" in text
    assert "| all |" in text
    assert "- unknown: t1 machines: no price for m9.large" in text


def test_what_is_written_as_focus_reads_back_with_the_same_sum(
    make_report: Maker, tmp_path: Path
) -> None:
    report = make_report()
    text, left_out = write_focus(report, method="scad")
    (tmp_path / "rows.csv").write_text(text)
    notes = FileNotes(tmp_path / "rows.csv")
    charges = list(read_charges(notes.file, notes))
    assert (left_out, notes.missing, notes.duplicates) == (2, (), 0)
    assert sum(it.effective or 0 for it in charges) == report.total.total.known.amount
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == list(FOCUS_COLUMNS)
    assert set(MANDATORY) <= set(FOCUS_COLUMNS)
    cpu = next(row for row in rows if row["x_Component"] == "cpu")
    assert (cpu["x_AllocatedMethodId"], cpu["x_Part"], cpu["ProviderName"]) == (
        "scad", "allocated", "AWS",
    )  # fmt: skip
    assert (cpu["BillingPeriodStart"], cpu["BillingPeriodEnd"]) == (
        "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z",
    )  # fmt: skip
    assert json.loads(cpu["Tags"])["deployer/target"] == "t0"
