"""A store that says nothing, a target that is gone: what still works, and how soon."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployer.providers.local.clock import SystemClock

Make = Callable[..., Any]
TARGETS = {"aws": "aws-virginia", "gcp": "gcp-iowa", "azure": "azure-virginia"}
BOUND_SECONDS = 25.0
"""What a black hole may cost a reading command, start included, on a busy machine."""


@pytest.fixture
def on_clouds(make_deployment: Make, sandbox: Any) -> Any:
    """Releases 1 and 2 on three stand-in clouds; 2 is live."""
    clusters = {
        TARGETS[cloud]: Path(found["cluster"]["folder"]) for cloud, found in sandbox.clouds.items()
    }
    deployment = make_deployment(clusters=clusters)
    deployment.environment |= sandbox.environment
    targets = [
        deployment.target(TARGETS[cloud], provider=cloud, store=found["store"]["url"])
        for cloud, found in sandbox.clouds.items()
    ]
    deployment.write_spec(targets=targets)
    deployment.run("deploy")
    deployment.write_model("v2")
    deployment.run("deploy")
    return deployment


@pytest.mark.slow
def test_a_store_that_says_nothing_costs_a_bounded_time_and_no_answer(
    on_clouds: Any, sandbox: Any
) -> None:
    clock = SystemClock()
    with sandbox.black_hole("gcp"):
        for words in (["history"], ["status"]):
            begun = clock.monotonic()
            done = on_clouds.run(*words)
            assert clock.monotonic() - begun < BOUND_SECONDS
            assert "gcp-iowa" in done.out
        back = on_clouds.run("rollback", within=120)
    assert "release 1 is live on every target" in back.out
    assert on_clouds.serving() == dict.fromkeys(TARGETS.values(), 1)
    rows = on_clouds.run("history", "-o", "json").json["releases"]
    assert [(row["number"], row["state"]) for row in rows] == [(2, "quarantined"), (1, "live")]


def test_a_target_that_is_gone_is_unknown_and_stops_a_deploy_before_it_begins(
    make_deployment: Make, own_clusters: dict[str, Path]
) -> None:
    deployment = make_deployment("aws-virginia", "gcp-iowa", clusters=own_clusters)
    deployment.run("deploy")
    assert "healthy on 2 of 2" in deployment.run("status").out
    deployment.lose_cluster("gcp-iowa")
    deployment.write_model("v2")
    before = sorted((deployment.folder / "stores").glob("*/deployer/*/releases/*"))
    plan = deployment.run("plan", expect=2)
    assert "gcp-iowa: unknown: the local cluster gcp-iowa has been stopped since" in plan.out
    assert "1 of 2 targets cannot be planned" in plan.out
    refused = deployment.run("deploy", expect=1)
    assert "1 of 2 targets cannot be reached, and outcome is all: gcp-iowa" in refused.err
    assert "Nothing was changed" in refused.err
    assert sorted((deployment.folder / "stores").glob("*/deployer/*/releases/*")) == before
    status = deployment.run("status", expect=3)
    assert "gcp-iowa: " in status.out
    rows = {
        one["target"]: one
        for one in deployment.run("status", "-o", "json", expect=3).json["targets"]
    }
    assert rows["aws-virginia"]["verdict"] == "healthy"
    assert rows["gcp-iowa"]["verdict"] in {"down", "unknown"}
    assert rows["gcp-iowa"]["ready"] is None
