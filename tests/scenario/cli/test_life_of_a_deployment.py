"""From the first deploy to a rollback, through the real command line, under real traffic."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.traffic import router, traffic

Make = Callable[..., Any]
READING = (
    ["status"],
    ["history"],
    ["history", "show", "1"],
    ["report", "cost"],
    ["report", "health"],
)


def test_traffic_never_feels_an_upgrade_a_bad_version_or_a_rollback(make_deployment: Make) -> None:
    deployment = make_deployment(strategy={"soak": "2.5s"})
    first = deployment.run("plan", expect=2)
    assert f"{deployment.name}: release 1 (the first) on 3 targets" in first.out
    assert "a local machine has no list price" in " ".join(first.out.split())
    assert "release 1 is live on every target" in deployment.run("deploy").out
    assert "nothing to do" in deployment.run("plan").out
    with router(deployment) as url, traffic(deployment, url) as answers:
        deployment.write_model("v2")
        deployment.run("deploy")
        deployment.write_model("bad", sign=-1.0)
        refused = deployment.run("deploy", expect=1)
        assert "release 3 was refused and undone; release 2 never stopped serving" in refused.err
        assert "0 of 4 answers are as expected" in refused.err
        assert deployment.serving() == dict.fromkeys(deployment.clusters, 2)
        back = deployment.run("rollback")
        assert "release 1 is live on every target" in back.out
    assert set(answers) == {"v1", "v2"}, answers
    assert min(answers.values()) > 20
    assert deployment.serving() == dict.fromkeys(deployment.clusters, 1)
    assert deployment.workloads() == {(f"Deployment/{deployment.name}-r1",)}
    states = deployment.run("history", "-o", "json").json["releases"]
    assert [(one["number"], one["state"]) for one in states] == [
        (3, "quarantined"),
        (2, "quarantined"),
        (1, "live"),
    ]
    assert "quarantined" in deployment.run("deploy", expect=1).err


@pytest.mark.parametrize(
    ("strategy", "before", "at_rest"),
    [
        ({"type": "blue-green", "soak": "2.5s"}, "Deployment/{}-r2", ["Deployment/{}-r1"]),
        ({"type": "rolling", "soak": "2.5s"}, "Deployment/{}", []),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_one_target_alone_loses_no_request_by_either_strategy(
    make_deployment: Make, strategy: Any, before: str, at_rest: list[str]
) -> None:
    """No other target can cover up for it, and side by side nothing is sent twice.

    A pod that is replaced in place may be cut off with a request in hand: then it is sent again.
    """
    deployment = make_deployment(
        "gcp-iowa",
        strategy=strategy,
        service={"replicas": {"min": 2}},
        routing={"idempotent": strategy["type"] == "rolling"},
    )
    deployment.run("deploy")
    with router(deployment) as url, traffic(deployment, url) as answers:
        deployment.write_model("v2")
        deployment.run("deploy")
        assert deployment.workloads() == {(before.format(deployment.name),)}
        resting = tuple(name.format(deployment.name) for name in at_rest)
        assert deployment.workloads(at_rest=True) == {resting}
        deployment.run("rollback")
    assert set(answers) == {"v1", "v2"}, answers
    assert min(answers.values()) > 20
    assert deployment.run("status", "-o", "json").json["targets"][0]["live_release"] == 1
    assert "nothing to do" in deployment.run("rollback", "--to", 1).out


def test_what_is_live_can_be_read_and_kept_without_the_files_it_was_made_from(
    make_deployment: Make,
) -> None:
    deployment = make_deployment("gcp-iowa", patches=["extra.yaml"])
    extra = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}, "data": {}}
    (deployment.folder / "extra.yaml").write_text(json.dumps(extra))
    assert deployment.run("deploy", "-o", "json").json["schema"] == "deployer/deploy/v1"
    for file in ("extra.yaml", "requests.json", "model/model.json"):
        (deployment.folder / file).unlink()
    for words in READING:
        document = deployment.run(*words, "-o", "json").json
        assert re.fullmatch(r"deployer/[a-z-]+/v\d", document["schema"])
        assert document["name"] == deployment.name
    assert all(len(line) <= 100 for line in deployment.run("report", "cost").out.splitlines())
    assert deployment.run("rollback", "-o", "json", "--to", 1).json["changed"] is False
    for words in (["plan"], ["deploy"], ["render"]):
        deployment.run(*words, expect=4)


def test_a_saved_plan_runs_once_and_is_refused_when_something_has_moved(
    make_deployment: Make,
) -> None:
    deployment = make_deployment("aws-virginia")
    saved = deployment.run("plan", "--save", "plan.json", "-o", "json", expect=2).json
    assert saved["schema"] == "deployer/plan/v1"
    deployment.run("deploy", "--plan", "plan.json")
    again = deployment.run("deploy", "--plan", "plan.json", expect=1)
    assert "has changed since" in again.err
    deployment.write_model("v2")
    moved = deployment.run("deploy", "--plan", "plan.json", expect=1)
    assert "was made from another model or spec" in moved.err
    assert deployment.serving() == {"aws-virginia": 1}
    assert "deployer plan --save" in moved.err


def test_a_folder_with_spaces_is_a_folder(make_deployment: Make, tmp_path: Path) -> None:
    deployment = make_deployment("aws-virginia")
    place = tmp_path / "my models"
    place.mkdir()
    for name in ("deployer.yaml", "requests.json", "model"):
        (tmp_path / name).rename(place / name)
    deployment.folder = place
    deployment.write_spec(
        targets=[deployment.target("aws-virginia", store="file://./my store")],
    )
    deployment.run("deploy", "-f", place / "deployer.yaml")
    assert (place / "my store" / "deployer" / deployment.name / "head.json").is_file()
    assert "healthy on 1 of 1 target" in deployment.run("status").out
