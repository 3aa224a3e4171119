import json
from typing import Any

from deployer.plan import Plan
from deployer.report.plan_cost import describe_plan_cost, write_plan_markdown

World = Any
BUDGET = ("gates: {smoke", "budget: {monthly: 5 USD, on_exceed: deny}\ngates: {smoke")


def make_plan(world: World, *changes: tuple[str, str]) -> Plan:
    world.write_spec(*changes)
    plan: Plan = world.start().plan()
    assert plan.cost is not None
    return plan


def test_the_document_says_before_and_after_of_each_component(world: World) -> None:
    plan = make_plan(world, BUDGET)
    assert plan.cost is not None
    document = json.loads(json.dumps(describe_plan_cost(plan.cost, plan.budget)))
    assert document["before"] == {"monthly": "0.000000", "currency": "USD", "partial": False}
    assert document["after"]["partial"] is True
    aws = document["targets"][0]
    assert aws["before"] is None
    assert aws["after"]["bill"][0]["monthly"] == "140.160000"
    assert {"component": "machines", "monthly": "140.160000"} in aws["change"]
    assert document["budget"][0]["refuses"] is True
    assert "no traffic: no predictions a month (usage.predictions)" in document["assumptions"]


def test_the_comment_for_a_pull_request_names_totals_unknowns_and_the_budget(world: World) -> None:
    text = write_plan_markdown(make_plan(world, BUDGET))
    assert text.startswith("### iris: release 1, ")
    assert "USD + unknown a month" in text.splitlines()[0]
    assert "| aws | machines | - | 140.16 | +140.16 |" in text
    assert "| azure | machines | - | unknown | unknown |" in text
    assert "budget of all targets, 5.00 USD a month: exceeded." in text
    assert "- unknown: azure machines: no price for Standard_Made_Up" in text
    assert "<details><summary>assumed</summary>" in text


def test_a_saved_plan_keeps_its_cost(world: World) -> None:
    plan = make_plan(world)
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan
