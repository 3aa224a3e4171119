"""What a user sees of money: a plan's cost, a budget, what ran, and the bill beside it."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from deployer.cost.focus.columns import MANDATORY
from deployer.providers.book.entry import COLUMNS

Make = Callable[..., Any]
HEAD = ",".join(COLUMNS)
OWN = {
    "instance,box": "hour,0.50,8,32,0,",
    "control_plane_hour,": "hour,0,,,,",
    "object_storage,": "GB-month,0.01,,,,",
    "object_put_1k,": "1000 requests,0,,,,",
    "object_get_1k,": "1000 requests,0,,,,",
}


@pytest.fixture
def priced(make_deployment: Make) -> Any:
    """Return a deployment on one target whose machine the user has priced."""
    deployment = make_deployment("aws-virginia")
    rows = [
        f"local,*,{key},on-demand,,{rest},2026-11-01,high,our own," for key, rest in OWN.items()
    ]
    (deployment.folder / "own.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    return deployment


def write_spec(deployment: Any, **changes: Any) -> None:
    targets = [deployment.target(name, machine="box") for name in deployment.clusters]
    deployment.write_spec(targets=targets, prices="own.csv", **changes)


def test_a_budget_is_held_before_a_deploy_and_the_bill_against_it_after(priced: Any) -> None:
    """One machine of 0.50 x 730 = 365.00 a month."""
    write_spec(priced, budget={"monthly": "100 USD", "on_exceed": "deny"})
    denied = priced.run("plan", expect=1)
    assert "365.00" in denied.out
    assert "budget of all targets, 100.00 USD a month: exceeded (denied)" in denied.out
    assert "the budget denies release 1" in denied.err
    assert "the budget denies release 1" in priced.run("deploy", expect=1).err
    assert priced.run("status", "-o", "json", expect=None).json["targets"] == []

    write_spec(priced, budget={"monthly": "400 USD", "increase": "5%", "on_exceed": "deny"})
    plan = priced.run("plan", "-o", "json", expect=2).json
    assert plan["cost"]["after"]["partial"] is False
    assert [it["state"] for it in plan["cost"]["budget"]] == ["within", "no-baseline"]
    assert (
        "| aws-virginia | machines | - | 365.00 | +365.00 |"
        in priced.run("plan", "-o", "md", expect=2).out
    )
    assert "machines" in priced.run("plan", "-o", "wide", expect=2).out
    priced.run("deploy")

    ran = priced.run("report", "cost", "--since", "1d", "-o", "json").json
    assert (ran["schema"], ran["partial"]) == ("deployer/ran/v1", False)
    assert [group["key"] for group in ran["groups"]] == ["aws-virginia"]
    table = priced.run("report", "cost", "--since", "1d", "--group-by", "component", "-o", "wide")
    assert "control plane" in table.out
    assert "allocation: max(request, usage), AWS split cost allocation weights" in table.out

    rows = list(
        csv.DictReader(
            io.StringIO(priced.run("report", "cost", "--since", "1d", "-o", "focus").out)
        )
    )
    assert set(MANDATORY) <= set(rows[0])
    bill = priced.folder / "bill.csv"
    bill.write_text(",".join(MANDATORY) + "\n")
    billed = priced.run("report", "cost", "--since", "1d", "--billed", "bill.csv", "-o", "wide")
    assert "the bill has nothing of any target's cloud in this time" in billed.out
    for words, why in (
        (("-o", "csv"), "needs --since"),
        (("--since", "soon"), "is no time"),
        (("--since", "1d", "--weights", "mine"), "scad or opencost"),
        (("--since", "1d", "--samples", "none.csv"), "cannot be read"),
        (("--since", "1d", "--billed", "own.csv"), "is no FOCUS file"),
    ):
        assert why in priced.run("report", "cost", *words, expect=4).err.replace("\n", " ")


def test_prices_that_cannot_be_read_are_bad_input(priced: Any) -> None:
    write_spec(priced)
    (priced.folder / "own.csv").write_text(
        f"{HEAD}\nlocal,*,instance,box,on-demand,,hour,cheap,8,32,0,,2026-11-01,high,us,\n"
    )
    assert "price book, line 2" in priced.run("plan", expect=4).err
