"""The rig itself: it comes up when it is asked to, and goes with its last user."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployer.ports import ObjectRef
from deployer.providers.kube.connect import connect_cluster
from deployer.providers.local.clock import SystemClock
from tests.cluster.assets import Assets, AssetsError, build_assets
from tests.cluster.rig import ApiServer, ControlPlane, RigError, find_control_plane

USER = """
import sys
from pathlib import Path
from tests.cluster.assets import Assets
from tests.cluster.rig import use_control_plane
with use_control_plane(Path(sys.argv[1]), Assets(Path(sys.argv[2]))) as plane:
    plane.start("one")
    print("up", flush=True)
    sys.stdin.read()
"""
REPOSITORY = Path(__file__).parents[2]


def test_three_clouds_share_nothing_but_etcd(api_servers: dict[str, ApiServer]) -> None:
    if not api_servers["aws"].url:
        pytest.skip("one cluster of the user's stands for three")
    assert len({server.url for server in api_servers.values()}) == 3
    spaces = {}
    for name, server in api_servers.items():
        found = server.api().get("/api/v1/namespaces/kube-system")
        spaces[name] = found["metadata"]["uid"]
    assert len(set(spaces.values())) == 3


def test_the_first_apply_makes_the_namespace(api_server: ApiServer, make_namespace: Any) -> None:
    name = make_namespace(api_server, create=False)
    cluster = connect_cluster(
        namespace=name,
        clock=SystemClock(),
        kubeconfig=api_server.kubeconfig,
        context=api_server.context,
    )
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {}}
    cluster.apply(manifest)
    assert cluster.get(ObjectRef.of(manifest)) is not None


def test_an_api_server_of_ones_own_can_be_restarted(
    control_plane: ControlPlane, own_api_server: ApiServer
) -> None:
    api = own_api_server.api()
    before = api.get("/api/v1/namespaces/kube-system")
    control_plane.restart(own_api_server.name)
    assert api.get("/api/v1/namespaces/kube-system") == before


def test_what_the_keeper_does_not_know_is_an_error(control_plane: ControlPlane) -> None:
    with pytest.raises(RigError, match="no-such-cloud"):
        control_plane.restart("no-such-cloud")


def test_nothing_is_left_when_the_last_user_is_killed(
    control_plane_assets: Assets, tmp_path: Path, wait: Any
) -> None:
    words = [sys.executable, "-c", USER, str(tmp_path), str(control_plane_assets.folder)]
    user = subprocess.Popen(
        words, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert user.stdout is not None
        assert user.stdout.readline() == "up\n"
        assert find_control_plane(tmp_path) is not None
        running = _processes(tmp_path)
        assert {"etcd", "kube-apiserver"} <= {Path(words[0]).name for words in running.values()}
    finally:
        user.kill()
        user.communicate()
    assert user.returncode == -signal.SIGKILL
    wait(lambda: not _processes(tmp_path))
    assert find_control_plane(tmp_path) is None
    assert not list(tmp_path.glob("**/etcd/member"))


def test_programs_are_those_of_kubebuilder_assets_where_that_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    found = build_assets(print)
    assert found.folder == tmp_path
    assert not found.controllers


def test_without_programs_and_without_go_the_way_to_get_them_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssetsError, match=r"install Go .* KUBEBUILDER_ASSETS"):
        build_assets(print)


@pytest.mark.parametrize(("required", "outcome"), [("1", "failed"), ("0", "skipped")])
def test_a_test_without_a_control_plane_is_skipped_or_fails_as_it_was_told(
    required: str, outcome: str, tmp_path: Path
) -> None:
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("DEPLOYER_TEST", "KUBEBUILDER", "PYTEST"))
    }
    environment |= {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    environment |= {"DEPLOYER_TEST_REQUIRE_ALL": required}
    test = f"{Path(__file__).with_name('test_pods.py')}::test_a_pod_that_is_not_ready_says_so"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", test],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert f"1 {'error' if outcome == 'failed' else outcome}" in said, said
    assert "there is no Kubernetes control plane to test with" in said


def _processes(folder: Path) -> dict[int, list[str]]:
    """Return the command lines of what runs for a folder's control plane."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except (OSError, NotADirectoryError):
            continue
        if entry.name.isdigit() and any(str(folder) in word for word in words[1:]):
            found[int(entry.name)] = words
    return {pid: words for pid, words in found.items() if "-c" not in words}
