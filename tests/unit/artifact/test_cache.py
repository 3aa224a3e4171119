from pathlib import Path

import pytest

from deployer.artifact import scan_artifact
from deployer.errors import SourceError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """What huggingface_hub leaves on disk: snapshots of links into blobs."""
    repository = tmp_path / "models--acme--iris"
    snapshot = repository / "snapshots" / "c0ffee"
    (snapshot / "sub").mkdir(parents=True)
    for folder in ("blobs", "refs"):
        (repository / folder).mkdir()
    (repository / "refs" / "main").write_text("c0ffee")
    (repository / "blobs" / "aa").write_bytes(b"weights")
    (repository / "blobs" / "bb").write_bytes(b"{}")
    (snapshot / "model.safetensors").symlink_to("../../blobs/aa")
    (snapshot / "sub" / "config.json").symlink_to("../../../blobs/bb")
    return repository


def test_a_snapshot_in_the_cache_is_a_model(repository: Path) -> None:
    artifact = scan_artifact(repository / "snapshots" / "c0ffee")
    assert [(file.path, file.size) for file in artifact.files] == [
        ("model.safetensors", 7),
        ("sub/config.json", 2),
    ]


def test_a_repository_in_the_cache_stands_for_its_main(repository: Path) -> None:
    assert scan_artifact(repository) == scan_artifact(repository / "snapshots" / "c0ffee")


def test_a_repository_without_its_main_says_where_to_look(repository: Path) -> None:
    (repository / "refs" / "main").write_text("gone")
    with pytest.raises(SourceError, match="no snapshot of main") as error:
        scan_artifact(repository)
    assert "snapshots" in (error.value.hint or "")


def test_a_link_out_of_the_repository_is_refused(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    (repository / "snapshots" / "c0ffee" / "more").symlink_to(tmp_path / "secret")
    with pytest.raises(SourceError, match="leads out"):
        scan_artifact(repository)
