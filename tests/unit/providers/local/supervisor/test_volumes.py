from pathlib import Path
from typing import Any

import pytest

from deployer.ports import Manifest
from deployer.providers.local.supervisor.problems import ContainerError
from deployer.providers.local.supervisor.volumes import find_mounts, make_volumes


def find(kind: str, name: str) -> Manifest | None:
    files = {"a": "1", "b": "2"}
    return {"data": files} if (kind, name) == ("ConfigMap", "files") else None


def pod(**volume: Any) -> dict[str, Any]:
    return {"spec": {"volumes": [{"name": "v", **volume}]}}


def test_a_config_map_becomes_files_and_vanished_keys_vanish(tmp_path: Path) -> None:
    make_volumes(pod(configMap={"name": "files"}), tmp_path, find)
    assert (tmp_path / "v" / "b").read_text() == "2"
    items = [{"key": "a", "path": "deep/a.txt"}]
    make_volumes(pod(configMap={"name": "files", "items": items}), tmp_path, find)
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.txt")] == ["v/deep/a.txt"]
    assert not (tmp_path / "v" / "b").exists()


def test_an_empty_dir_keeps_what_is_in_it(tmp_path: Path) -> None:
    make_volumes(pod(emptyDir={}), tmp_path, find)
    (tmp_path / "v" / "model").touch()
    make_volumes(pod(emptyDir={}), tmp_path, find)
    assert (tmp_path / "v" / "model").exists()


@pytest.mark.parametrize(
    "volume",
    [{"configMap": {"name": "none"}}, {"hostPath": {"path": "/"}}, {"secret": {"secretName": "n"}}],
)
def test_a_volume_that_cannot_be_made_is_named(tmp_path: Path, volume: dict[str, Any]) -> None:
    with pytest.raises(ContainerError):
        make_volumes(pod(**volume), tmp_path, find)


def test_each_mount_has_its_folder(tmp_path: Path) -> None:
    mounts = [
        {"name": "s", "mountPath": "/etc/settings", "subPath": "a"},
        {"name": "m", "mountPath": "/mnt/models/"},
    ]
    assert find_mounts({"volumeMounts": mounts}, tmp_path) == {
        "/etc/settings": str(tmp_path / "s" / "a"),
        "/mnt/models": str(tmp_path / "m"),
    }
