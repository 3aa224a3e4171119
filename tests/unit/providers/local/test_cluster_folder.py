import json
import threading
from pathlib import Path

import pytest

from deployer.errors import PreconditionError, TransientError
from deployer.ports import PLAIN, ObjectRef
from deployer.providers.local.clock import ManualClock, SystemClock
from deployer.providers.local.cluster_folder import ClusterFolder, read_json, write_json
from deployer.providers.local.objects import ObjectFiles


def test_a_failed_write_leaves_the_old_document_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_does_not_wait_for_ever(tmp_path: Path) -> None:
    folder = ClusterFolder(tmp_path)
    with (
        folder.writing(SystemClock()),
        pytest.raises(TransientError, match="locked"),
        folder.writing(ManualClock()),
    ):
        pass


def test_a_folder_without_a_supervisor_has_none(tmp_path: Path) -> None:
    folder = ClusterFolder(tmp_path)
    assert folder.supervisor_pid() is None
    folder.supervisor_lock.touch()
    assert folder.supervisor_pid() is None


def test_no_concurrent_swap_is_lost(tmp_path: Path) -> None:
    files = ObjectFiles(ClusterFolder(tmp_path), "models", SystemClock())
    won: list[int] = []

    def swap(number: int) -> None:
        manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "lease"},
            "data": {"holder": str(number)},
        }
        try:
            files.apply(manifest, PLAIN, if_version="")
        except PreconditionError:
            return

        won.append(number)

    threads = [threading.Thread(target=swap, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    found = files.find(ObjectRef("v1", "ConfigMap", "lease"))
    assert found is not None
    assert found["data"] == {"holder": str(won[0])}


def test_versions_never_repeat(tmp_path: Path) -> None:
    folder = ClusterFolder(tmp_path)
    with folder.writing(SystemClock()):
        assert [folder.next_version() for _ in range(3)] == [1, 2, 3]
    assert json.loads((tmp_path / "version.json").read_text()) == 3
