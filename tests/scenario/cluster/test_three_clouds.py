"""From the first deploy to a rollback on real API servers, whatever happens in between."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deployer.providers.local.clock import SystemClock
from tests.cluster.gate import Gate, open_gate
from tests.cluster.rig import ApiServer, ControlPlane
from tests.scenario.traffic import router, traffic

Make = Callable[..., Any]
TARGETS = ("aws-virginia", "gcp-iowa", "azure-virginia")
PATIENCE = 240.0
"""Seconds a deploy may take: three control planes share two cores with it."""
TRIES = 4

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def clouds(api_servers: Mapping[str, ApiServer]) -> dict[str, ApiServer]:
    if not all(server.runs_pods and server.url for server in api_servers.values()):
        pytest.skip("pods do not run as processes here")
    return dict(zip(TARGETS, api_servers.values(), strict=True))


def patiently(deployment: Any, *words: str) -> Any:
    """Run a command, again when it found a target too slow to plan with and changed nothing.

    Stores and clusters here share a few cores with all other tests; clouds do not.
    """
    for _ in range(TRIES - 1):
        done = deployment.run(*words, expect=None, within=PATIENCE)
        if "Nothing was changed" not in done.err:
            assert done.code == 0, done.err
            return done
    return deployment.run(*words, within=PATIENCE)


@pytest.mark.slow
def test_traffic_over_three_api_servers_never_feels_an_upgrade_or_a_rollback(
    clouds: dict[str, ApiServer], make_kube_deployment: Make
) -> None:
    deployment = make_kube_deployment(clouds)
    first = patiently(deployment, "deploy")
    assert "release 1 is live on every target" in first.out
    with router(deployment) as url, traffic(deployment, url) as answers:
        deployment.write_model("v2")
        second = patiently(deployment, "deploy")
        assert "release 2 is live on every target" in second.out
        assert deployment.serving() == dict.fromkeys(TARGETS, 2)
        back = patiently(deployment, "rollback")
        assert "release 1 is live on every target" in back.out
    sys.stdout.write(f"answers by version: {answers}\n")
    assert set(answers) == {"v1", "v2"}, answers
    assert min(answers.values()) > 20
    assert deployment.serving() == dict.fromkeys(TARGETS, 1)
    status = deployment.run("status", "-o", "json").json["targets"]
    assert {one["verdict"] for one in status} == {"healthy"}


@pytest.mark.slow
def test_an_api_server_that_restarts_in_the_middle_of_a_rollout_is_waited_for(
    clouds: dict[str, ApiServer],
    own_api_server: ApiServer,
    control_plane: ControlPlane,
    make_kube_deployment: Make,
) -> None:
    servers = {"aws-virginia": own_api_server, "gcp-iowa": clouds["gcp-iowa"]}
    deployment = make_kube_deployment(servers)
    running = deployment.start("deploy")
    running.wait_for("aws-virginia", "apply", "done")
    control_plane.restart(own_api_server.name)
    done = running.finish(within=PATIENCE)
    assert done.code == 0, done.err
    assert "release 1 is live on every target" in done.out
    assert deployment.serving() == dict.fromkeys(servers, 1)


@pytest.fixture
def gate(clouds: dict[str, ApiServer], tmp_path: Path) -> Iterator[Gate]:
    """A door before an API server whose tokens end after three seconds."""
    with open_gate(clouds["gcp-iowa"], tmp_path, SystemClock(), token_seconds=3) as opened:
        yield opened


@pytest.mark.slow
def test_tokens_that_end_every_few_seconds_do_not_end_a_deploy(
    gate: Gate, make_kube_deployment: Make, tmp_path: Path
) -> None:
    deployment = make_kube_deployment({"gcp-iowa": gate.server})
    through_gate = str(gate.write_kubeconfig(tmp_path / "gate.json"))
    straight = deployment.spec.read_text()
    deployment.spec.write_text(straight.replace(gate.server.kubeconfig, through_gate))
    for version in ("v1", "v2"):
        deployment.write_model(version)
        patiently(deployment, "deploy")
    assert deployment.serving() == {"gcp-iowa": 2}
    assert gate.refused > 0, "a token ended in the middle"
    assert gate.given > gate.refused


@pytest.mark.slow
def test_a_deploy_that_was_killed_is_finished_by_the_same_command(
    clouds: dict[str, ApiServer], make_kube_deployment: Make
) -> None:
    servers = {name: clouds[name] for name in ("aws-virginia", "gcp-iowa")}
    deployment = make_kube_deployment(servers)
    patiently(deployment, "deploy")
    deployment.write_model("v2")
    running = deployment.start("deploy")
    running.wait_for("traffic", "done")
    running.kill()
    again = patiently(deployment, "deploy")
    assert "going on with an unfinished deploy of release 2" in again.err
    assert deployment.serving() == dict.fromkeys(servers, 2)
    assert deployment.workloads() == {(f"Deployment/{deployment.name}-r2",)}
