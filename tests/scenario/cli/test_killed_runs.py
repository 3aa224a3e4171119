"""SIGKILL and Ctrl-C at chosen instants, then the next command (G1, G2)."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]
TARGETS = ("aws-virginia", "gcp-iowa")


@pytest.fixture
def deployed(make_deployment: Make) -> Any:
    """Release 1 is live on two targets."""
    deployment = make_deployment(*TARGETS)
    deployment.run("deploy")
    return deployment


def end_state(deployment: Any) -> dict[str, Any]:
    """Return what a user can see of how it ended, times and runs left out."""
    history = deployment.run("history", "-o", "json").json["releases"]
    status = deployment.run("status", "-o", "json").json["targets"]
    return {
        "releases": [(one["number"], one["state"], sorted(one["live_on"])) for one in history],
        "targets": [(t["target"], t["live_release"], t["verdict"]) for t in status],
        "objects": deployment.objects(),
        "serving": deployment.serving(),
    }


@pytest.mark.parametrize(
    "instant",
    [("gcp-iowa", "apply", "done"), ("traffic", "done"), ("routes", "done")],
    ids=["after-apply", "after-the-shift", "during-the-soak"],
)
def test_a_killed_deploy_ends_where_an_uninterrupted_one_would_have(
    deployed: Any, instant: tuple[str, ...]
) -> None:
    deployed.write_model("v2")
    running = deployed.start("deploy")
    running.wait_for(*instant)
    running.kill()
    again = deployed.run("deploy")
    assert "going on with an unfinished deploy of release 2" in again.err
    name = deployed.name
    assert end_state(deployed)["releases"] == [
        (2, "live", sorted(TARGETS)),
        (1, "verified", []),
    ]
    assert deployed.serving() == dict.fromkeys(TARGETS, 2)
    assert deployed.workloads() == {(f"Deployment/{name}-r2",)}


def test_another_model_after_a_kill_begins_with_the_undo_of_the_unfinished_one(
    deployed: Any,
) -> None:
    deployed.write_model("v2")
    running = deployed.start("deploy")
    running.wait_for("traffic", "done")
    running.kill()
    deployed.write_model("v3")
    after = deployed.run("deploy")
    assert after.err.index("undoing") < after.err.index("artifact")
    assert "release 3 is live" in after.out
    assert deployed.serving() == dict.fromkeys(TARGETS, 3)
    assert deployed.workloads() == {(f"Deployment/{deployed.name}-r3",)}


def test_ctrl_c_is_answered_at_once_and_says_what_to_type(deployed: Any) -> None:
    deployed.write_model("v2")
    running = deployed.start("deploy")
    running.wait_for("apply", "done")
    running.process.send_signal(signal.SIGINT)
    done = running.finish(within=5)
    assert done.code == 130
    assert "Next: deployer deploy goes on, deployer rollback puts back" in done.err
    assert "Traceback" not in done.err
    assert deployed.serving() == dict.fromkeys(TARGETS, 1)
    back = deployed.run("rollback")
    assert "release 1 is live" in back.out
    assert deployed.workloads() == {(f"Deployment/{deployed.name}-r1",)}
