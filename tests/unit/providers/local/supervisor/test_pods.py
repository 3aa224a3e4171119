"""One pod's processes: how they end by its restart policy, and what its probes complain of."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployer.providers.local.clock import SystemClock
from deployer.providers.local.supervisor.pods import PodRunner

SECONDS = 30.0


def run_pod(folder: Path, done: Callable[[Any], bool], **spec: Any) -> Any:
    """Run a pod until its status is so; return the status."""

    async def run() -> Any:
        runner = PodRunner(
            _pod(**spec),
            folder / "pod",
            mark=f"{folder}:",
            find=lambda _kind, _name: None,
            images=dict,
            clock=SystemClock(),
            on_change=lambda: None,
        )
        runner.start()
        try:
            async with asyncio.timeout(SECONDS):
                while not done(runner.pod["status"]):  # noqa: ASYNC110 - a status, no event
                    await asyncio.sleep(0.02)
            return runner.pod["status"]
        finally:
            await runner.stop(cap_seconds=0)

    return asyncio.run(run())


def _pod(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "pod", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata, "spec": spec, "status": {"podIP": "127.0.0.1"}}


def _container(script: str, **fields: Any) -> dict[str, Any]:
    return {"name": "main", "image": "x", "command": ["sh", "-c", script], **fields}


@pytest.mark.parametrize(("script", "phase"), [("exit 0", "Succeeded"), ("exit 3", "Failed")])
def test_a_pod_that_is_never_restarted_ends_as_its_process_did(
    script: str, phase: str, tmp_path: Path
) -> None:
    status = run_pod(
        tmp_path,
        lambda it: it["phase"] in {"Succeeded", "Failed"},
        restartPolicy="Never",
        containers=[_container(script)],
    )
    assert status["phase"] == phase
    assert status["containerStatuses"][0]["restartCount"] == 0


def test_a_pod_that_is_restarted_on_failure_runs_until_it_succeeds(tmp_path: Path) -> None:
    script = f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; exit 1; }}"
    status = run_pod(
        tmp_path,
        lambda it: it["phase"] == "Succeeded",
        restartPolicy="OnFailure",
        containers=[_container(script)],
    )
    assert status["containerStatuses"][0]["restartCount"] == 1


def test_an_init_container_that_fails_for_good_fails_the_pod(tmp_path: Path) -> None:
    status = run_pod(
        tmp_path,
        lambda it: it["phase"] == "Failed",
        restartPolicy="Never",
        initContainers=[{**_container("exit 1"), "name": "first"}],
        containers=[_container(f"touch {tmp_path}/ran")],
    )
    assert "waiting" in status["containerStatuses"][0]["state"]
    assert not (tmp_path / "ran").exists()


def test_what_a_probe_complains_of_is_said_in_the_ready_condition(tmp_path: Path) -> None:
    probe = {"exec": {"command": ["sh", "-c", "exit 7"]}, "periodSeconds": 1}
    status = run_pod(
        tmp_path,
        lambda it: any(c["message"] for c in it["conditions"]),
        containers=[_container("exec sleep 60", readinessProbe=probe)],
    )
    (ready,) = (c for c in status["conditions"] if c["type"] == "Ready")
    assert ready["message"] == "container main: Readiness probe failed: exit code 7"
    assert ready["status"] == "False"
